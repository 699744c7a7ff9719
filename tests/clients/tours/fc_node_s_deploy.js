// The calls of `s deploy` in their order, by the SDKs that its fc3 component uses: @alicloud/fc2
// for the bucket, ali-oss for the upload, @alicloud/fc20230330 for the rest. The component itself
// comes from a registry of its own, and cannot be pinned here.
'use strict';

const { env } = process;
const fs = require('fs');
const path = require('path');

// OSS's host is built in.
require(path.join(__dirname, '..', '..', '..', 'emulator', 'oss', 'loopback.js'));

const Fc2 = require('@alicloud/fc2');
const { default: Fc, ...models } = require('@alicloud/fc20230330');
const Oss = require('ali-oss');
const { crc64 } = require('../crc64');

const FUNCTION = 'nightly';
const endpoint = new URL(env.FC_ENDPOINT);
const key = { accessKeyId: env.ACCESS_KEY_ID, accessKeySecret: env.ACCESS_KEY_SECRET };
const client = new Fc({
  ...key,
  endpoint: endpoint.host,
  protocol: endpoint.protocol.slice(0, -1),
  toMap() {
    return { ...this };
  },
});
const about = { functionName: FUNCTION, runtime: 'python3.10', handler: 'index.handler' };
// What the component adds if s.yaml does not set it.
const empty = {
  vpcConfig: { securityGroupId: '', vSwitchIds: [], vpcId: '' },
  tracingConfig: {},
  ossMountConfig: { mountPoints: [] },
  nasConfig: { groupId: 0, userId: 0, mountPoints: [] },
  logConfig: {
    enableInstanceMetrics: false,
    enableRequestMetrics: false,
    logBeginRule: 'None',
    logstore: '',
    project: '',
  },
  environmentVariables: {},
  layers: [],
  instanceIsolationMode: 'SHARE',
  sessionAffinity: 'NONE',
};

function made(name, fields) {
  return new models[`${name}Request`]({ body: new models[`${name}Input`](fields) });
}

// What the component asks first, and takes as "there is none" whatever is rejected.
const found = (asked) => asked.then(({ body }) => body, () => null);

async function uploaded() {
  const fc2 = new Fc2(env.ACCOUNT_ID, {
    accessKeyID: env.ACCESS_KEY_ID,
    accessKeySecret: env.ACCESS_KEY_SECRET,
    region: env.REGION_ID,
    endpoint: env.FC_ENDPOINT,
    secure: true,
  });
  const { credentials, ossBucket, objectName } = (await fc2.getTempBucketToken()).data;
  const oss = new Oss({
    endpoint: 'https://oss-accelerate.aliyuncs.com',
    accessKeyId: credentials.AccessKeyId,
    accessKeySecret: credentials.AccessKeySecret,
    stsToken: credentials.SecurityToken,
    bucket: ossBucket,
    refreshSTSToken: async () => ({}),
  });
  const ossObjectName = `${env.ACCOUNT_ID}/${objectName}`;
  await oss.put(ossObjectName, env.PACKAGE);
  return new models.InputCodeLocation({ ossBucketName: ossBucket, ossObjectName });
}

async function deploy(timeout) {
  const remote = await found(client.getFunction(FUNCTION, new models.GetFunctionRequest({})));
  await found(client.listVpcBindings(FUNCTION));
  await found(client.getConcurrencyConfig(FUNCTION));
  const fields = { ...about, ...empty, timeout };
  const same = remote && remote.codeChecksum === crc64(fs.readFileSync(env.PACKAGE));
  if (!same) fields.code = await uploaded();
  if (remote) await client.updateFunction(FUNCTION, made('UpdateFunction', fields));
  else await client.createFunction(made('CreateFunction', fields));
  const timer = { cronExpression: '0 0 2 * * *', enable: true, payload: '' };
  const trigger = { triggerName: 't', triggerType: 'timer', description: '', qualifier: 'LATEST' };
  trigger.triggerConfig = JSON.stringify(timer);
  if (await found(client.getTrigger(FUNCTION, 't'))) {
    await client.updateTrigger(FUNCTION, 't', made('UpdateTrigger', trigger));
  } else await client.createTrigger(FUNCTION, made('CreateTrigger', trigger));
  const config = made('PutAsyncInvokeConfig', { asyncTask: true, maxAsyncRetryAttempts: 3 });
  config.qualifier = 'LATEST';
  await client.putAsyncInvokeConfig(FUNCTION, config);
  return same ? 'same code' : 'uploaded';
}

async function main() {
  const code = [await deploy(60), await deploy(90)];
  const { body } = await client.getFunction(FUNCTION, new models.GetFunctionRequest({}));
  console.log(JSON.stringify({ code, timeout: body.timeout, checksum: body.codeChecksum }));
}

main();
