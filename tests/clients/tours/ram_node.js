// @alicloud/ram20150501: a role with a policy, from nothing and back.
'use strict';

const { default: Client, ...models } = require('@alicloud/ram20150501');
const { $OpenApiUtil } = require('@alicloud/openapi-core');

const { env } = process;
const [protocol, endpoint] = env.RAM_ENDPOINT.split('://');
const ram = new Client(
  new $OpenApiUtil.Config({
    accessKeyId: env.ACCESS_KEY_ID,
    accessKeySecret: env.ACCESS_KEY_SECRET,
    regionId: env.REGION_ID,
    protocol,
    endpoint,
  }),
);
const NAMES = { roleName: 'worker', policyName: 'work' };
const document = (statement) => JSON.stringify({ Version: '1', Statement: [statement] });
const trust = document({
  Action: 'sts:AssumeRole',
  Effect: 'Allow',
  Principal: { Service: ['fc.aliyuncs.com'] },
});
const allowing = (action) => document({ Effect: 'Allow', Action: action, Resource: '*' });
const made = (name, fields) => new models[`${name}Request`]({ ...NAMES, ...fields });

async function codeOfUnknown() {
  try {
    await ram.getRole(new models.GetRoleRequest({ roleName: 'nobody' }));
  } catch (error) {
    return error.code;
  }
  return '';
}

async function main() {
  await ram.createRole(made('CreateRole', { assumeRolePolicyDocument: trust }));
  await ram.createPolicy(made('CreatePolicy', { policyDocument: allowing('ecs:*') }));
  const custom = { policyType: 'Custom' };
  await ram.attachPolicyToRole(made('AttachPolicyToRole', custom));
  await ram.createPolicyVersion(
    made('CreatePolicyVersion', { policyDocument: allowing('log:*'), setAsDefault: true }),
  );
  await ram.updateRole(made('UpdateRole', { newDescription: 'of a tour' }));
  const { role } = (await ram.getRole(made('GetRole'))).body;
  const { defaultPolicyVersion } = (await ram.getPolicy(made('GetPolicy', custom))).body;
  const { policyVersions } = (await ram.listPolicyVersions(made('ListPolicyVersions', custom))).body;
  const { policies } = (await ram.listPoliciesForRole(made('ListPoliciesForRole'))).body;
  const { roles } = (await ram.listRoles(new models.ListRolesRequest({}))).body;
  const unknown = await codeOfUnknown();
  await ram.detachPolicyFromRole(made('DetachPolicyFromRole', custom));
  await ram.deletePolicy(made('DeletePolicy', { cascadingDelete: true }));
  await ram.deleteRole(made('DeleteRole'));
  const result = {
    description: role.description,
    trust: JSON.parse(role.assumeRolePolicyDocument).Statement[0].Principal.Service,
    version: defaultPolicyVersion.versionId,
    versions: policyVersions.policyVersion.map((one) => one.versionId),
    attached: policies.policy.map((one) => one.policyName),
    roles: roles.role.map((one) => one.roleName),
    unknown,
  };
  console.log(JSON.stringify(result));
}

main();
