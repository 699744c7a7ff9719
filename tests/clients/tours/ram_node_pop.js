// @alicloud/pop-core, with which Fun asks RAM: the older signature, parameters by their names.
'use strict';

const { RPCClient } = require('@alicloud/pop-core');

const { env } = process;
const ram = new RPCClient({
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
  endpoint: env.RAM_ENDPOINT,
  apiVersion: '2015-05-01',
});
const document = (statement) => JSON.stringify({ Version: '1', Statement: [statement] });
const trust = document({
  Action: 'sts:AssumeRole',
  Effect: 'Allow',
  Principal: { Service: ['fc.aliyuncs.com'] },
});
const allowing = (action) => document({ Effect: 'Allow', Action: action, Resource: '*' });
const NAMES = { RoleName: 'worker', PolicyName: 'work', PolicyType: 'Custom' };
const post = { method: 'POST' };

function ask(action, names, more = {}) {
  const named = Object.fromEntries(names.map((name) => [name, NAMES[name]]));
  return ram.request(action, { ...named, ...more }, post);
}

async function codeOfUnknown() {
  try {
    await ask('GetRole', [], { RoleName: 'nobody' });
  } catch (error) {
    return error.code;
  }
  return '';
}

async function main() {
  const [role, policy, both] = [
    ['RoleName'],
    ['PolicyName'],
    ['RoleName', 'PolicyName', 'PolicyType'],
  ];
  await ask('CreateRole', role, { AssumeRolePolicyDocument: trust });
  await ask('CreatePolicy', policy, { PolicyDocument: allowing('ecs:*') });
  await ask('AttachPolicyToRole', both);
  await ask('CreatePolicyVersion', policy, {
    PolicyDocument: allowing('log:*'),
    SetAsDefault: true,
  });
  await ask('UpdateRole', role, { NewDescription: 'of a tour' });
  const { Role } = await ask('GetRole', role);
  const typed = ['PolicyName', 'PolicyType'];
  const { DefaultPolicyVersion } = await ask('GetPolicy', typed);
  const { PolicyVersions } = await ask('ListPolicyVersions', typed);
  const { Policies } = await ask('ListPoliciesForRole', role);
  const { Roles } = await ask('ListRoles', []);
  const unknown = await codeOfUnknown();
  await ask('DetachPolicyFromRole', both);
  await ask('DeletePolicy', policy, { CascadingDelete: true });
  await ask('DeleteRole', role);
  const result = {
    description: Role.Description,
    trust: JSON.parse(Role.AssumeRolePolicyDocument).Statement[0].Principal.Service,
    version: DefaultPolicyVersion.VersionId,
    versions: PolicyVersions.PolicyVersion.map((one) => one.VersionId),
    attached: Policies.Policy.map((one) => one.PolicyName),
    roles: Roles.Role.map((one) => one.RoleName),
    unknown,
  };
  console.log(JSON.stringify(result));
}

main();
