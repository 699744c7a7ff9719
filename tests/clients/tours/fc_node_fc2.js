// @alicloud/fc2: FC 2.0, from a service to an invocation, every call that the emulator has.
'use strict';

const { env } = process;
const fs = require('fs');
const Client = require('@alicloud/fc2');

const SERVICE = 'tour';
const FUNCTION = 'echo';
const TRIGGER = 'nightly';
const client = new Client(env.ACCOUNT_ID, {
  accessKeyID: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
  region: env.REGION_ID,
  endpoint: env.FC_ENDPOINT,
});

async function main() {
  await client.createService(SERVICE, { role: `acs:ram::${env.ACCOUNT_ID}:role/tour` });
  await client.updateService(SERVICE, { description: 'changed' });
  const { services } = (await client.listServices()).data;
  await client.getService(SERVICE);
  const code = { zipFile: fs.readFileSync(env.PACKAGE).toString('base64') };
  const about = { functionName: FUNCTION, runtime: 'python3.10', handler: 'index.handler' };
  await client.createFunction(SERVICE, { ...about, code });
  await client.updateFunction(SERVICE, FUNCTION, { timeout: 9, code });
  const { functions } = (await client.listFunctions(SERVICE)).data;
  await client.getFunction(SERVICE, FUNCTION);
  const timer = { cronExpression: '0 0 2 * * *', enable: true, payload: 'p' };
  await client.createTrigger(SERVICE, FUNCTION, {
    triggerName: TRIGGER,
    triggerType: 'timer',
    triggerConfig: timer,
  });
  await client.updateTrigger(SERVICE, FUNCTION, TRIGGER, {
    triggerConfig: { ...timer, enable: false },
  });
  const { triggers } = (await client.listTriggers(SERVICE, FUNCTION)).data;
  await client.getTrigger(SERVICE, FUNCTION, TRIGGER);
  await client.putFunctionAsyncConfig(SERVICE, FUNCTION, 'LATEST', {
    maxAsyncRetryAttempts: 1,
    statefulInvocation: true,
  });
  await client.getFunctionAsyncConfig(SERVICE, FUNCTION, 'LATEST');
  const answer = await client.invokeFunction(SERVICE, FUNCTION, 'hello', {
    'x-fc-log-type': 'Tail',
  });
  const later = {
    'x-fc-invocation-type': 'Async',
    'x-fc-stateful-async-invocation-id': 'tour-1',
  };
  await client.invokeFunction(SERVICE, FUNCTION, 'later', later);
  const rejected = await client
    .invokeFunction(SERVICE, FUNCTION, 'later', later)
    .catch((error) => Number(/failed with (\d+)/.exec(error.message)[1]));
  await client.deleteFunctionAsyncConfig(SERVICE, FUNCTION, 'LATEST');
  await client.deleteTrigger(SERVICE, FUNCTION, TRIGGER);
  await client.deleteFunction(SERVICE, FUNCTION);
  await client.deleteService(SERVICE);
  const log = Buffer.from(answer.headers['x-fc-log-result'], 'base64').toString();
  console.log(
    JSON.stringify({
      services: services.map((one) => one.serviceName),
      functions: functions.map((one) => [one.functionName, one.timeout]),
      triggers: triggers.map((one) => [one.triggerName, one.triggerConfig.enable]),
      answer: answer.data,
      log: log.split(' ').slice(0, 3),
      rejected,
    }),
  );
}

main();
