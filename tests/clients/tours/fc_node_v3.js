// @alicloud/fc20230330: FC 3.0, every call that the emulator has.
'use strict';

const { env } = process;
const fs = require('fs');
const { Readable } = require('stream');
const { default: Fc, ...models } = require('@alicloud/fc20230330');

const FUNCTION = 'echo';
const TRIGGER = 'nightly';
const endpoint = new URL(env.FC_ENDPOINT);
const client = new Fc({
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
  regionId: env.REGION_ID,
  endpoint: endpoint.host,
  protocol: endpoint.protocol.slice(0, -1),
  toMap() {
    return { ...this };
  },
});

function made(name, fields) {
  return new models[`${name}Request`]({ body: new models[`${name}Input`](fields) });
}

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

function invoke(body, headers) {
  return client.invokeFunctionWithOptions(
    FUNCTION,
    new models.InvokeFunctionRequest({ body: Readable.from(Buffer.from(body)) }),
    new models.InvokeFunctionHeaders(headers),
    {},
  );
}

async function main() {
  const code = { zipFile: fs.readFileSync(env.PACKAGE).toString('base64') };
  const about = { functionName: FUNCTION, runtime: 'python3.10', handler: 'index.handler' };
  await client.createFunction(
    made('CreateFunction', { ...about, code: new models.InputCodeLocation(code) }),
  );
  await client.updateFunction(FUNCTION, made('UpdateFunction', { timeout: 9 }));
  const { functions } = (await client.listFunctions(new models.ListFunctionsRequest({}))).body;
  await client.getFunction(FUNCTION, new models.GetFunctionRequest({}));
  const timer = { cronExpression: '0 0 2 * * *', enable: true, payload: 'p' };
  await client.createTrigger(
    FUNCTION,
    made('CreateTrigger', {
      triggerName: TRIGGER,
      triggerType: 'timer',
      triggerConfig: JSON.stringify(timer),
    }),
  );
  const off = { triggerConfig: JSON.stringify({ ...timer, enable: false }) };
  await client.updateTrigger(FUNCTION, TRIGGER, made('UpdateTrigger', off));
  const listed = await client.listTriggers(FUNCTION, new models.ListTriggersRequest({}));
  await client.getTrigger(FUNCTION, TRIGGER);
  await client.putAsyncInvokeConfig(FUNCTION, made('PutAsyncInvokeConfig', { asyncTask: true }));
  await client.getAsyncInvokeConfig(FUNCTION, new models.GetAsyncInvokeConfigRequest({}));
  const answer = await invoke('hello', { xFcLogType: 'Tail', xFcInvocationType: 'Sync' });
  const later = { xFcInvocationType: 'Async', xFcAsyncTaskId: 'tour-1' };
  await invoke('later', later);
  await client.getAsyncTask(FUNCTION, 'tour-1', new models.GetAsyncTaskRequest({}));
  const rejected = await invoke('later', later).catch((error) => error.statusCode);
  await client.deleteAsyncInvokeConfig(FUNCTION, new models.DeleteAsyncInvokeConfigRequest({}));
  await client.deleteTrigger(FUNCTION, TRIGGER);
  await client.deleteFunction(FUNCTION);
  const log = Buffer.from(answer.headers['x-fc-log-result'], 'base64').toString();
  console.log(
    JSON.stringify({
      functions: functions.map((one) => [one.functionName, one.timeout]),
      triggers: listed.body.triggers.map((one) => [
        one.triggerName,
        JSON.parse(one.triggerConfig).enable,
      ]),
      answer: await read(answer.body),
      log: log.split(' ').slice(0, 3),
      rejected,
    }),
  );
}

main();
