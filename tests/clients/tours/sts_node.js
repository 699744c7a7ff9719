// @alicloud/sts20150401: who calls, and the key of a role.
'use strict';

const { default: Client, ...models } = require('@alicloud/sts20150401');
const { $OpenApiUtil } = require('@alicloud/openapi-core');

const { env } = process;
const [protocol, endpoint] = env.STS_ENDPOINT.split('://');

function client(key) {
  return new Client(new $OpenApiUtil.Config({ ...key, regionId: env.REGION_ID, protocol, endpoint }));
}

async function main() {
  const account = client({
    accessKeyId: env.ACCESS_KEY_ID,
    accessKeySecret: env.ACCESS_KEY_SECRET,
  });
  const caller = (await account.getCallerIdentity()).body;
  const asked = new models.AssumeRoleRequest({
    roleArn: `acs:ram::${env.ACCOUNT_ID}:role/open`,
    roleSessionName: 'tour',
  });
  const { credentials } = (await account.assumeRole(asked)).body;
  const role = (await client(credentials).getCallerIdentity()).body;
  const result = { account: caller.accountId, type: caller.identityType, role: role.arn };
  console.log(JSON.stringify(result));
}

main();
