// @alicloud/ecs20140526: every operation of the emulator's ECS, and one rejection.
'use strict';

const { env } = process;
const { default: Ecs, ...models } = require('@alicloud/ecs20140526');

const regionId = env.REGION_ID;
const endpoint = new URL(env.ECS_ENDPOINT);
const client = new Ecs({
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
  regionId,
  endpoint: endpoint.host,
  protocol: endpoint.protocol.slice(0, -1),
});

function call(action, fields) {
  const name = action[0].toLowerCase() + action.slice(1);
  return client[name](new models[`${action}Request`](fields)).then((answer) => answer.body);
}

async function main() {
  const { regions } = await call('DescribeRegions', {});
  const { instances } = await call('DescribeInstances', { regionId });
  const disks = [];
  for (const pageNumber of [1, 2]) {
    const page = await call('DescribeDisks', { regionId, pageSize: 1, pageNumber });
    disks.push(...page.disks.disk.map((one) => one.diskId));
  }
  const { snapshotId } = await call('CreateSnapshot', {
    diskId: disks[0],
    clientToken: 'tour-1',
    retentionDays: 1,
    tag: [{ key: 'made', value: '1' }],
  });
  const resource = { regionId, resourceType: 'snapshot', resourceId: [snapshotId] };
  await call('TagResources', { ...resource, tag: [{ key: 'tour', value: '2' }] });
  const { tagResources } = await call('ListTagResources', resource);
  const { snapshots } = await call('DescribeSnapshots', {
    regionId,
    snapshotIds: JSON.stringify([snapshotId]),
  });
  await call('DeleteSnapshot', { snapshotId });
  const rejected = await call('DeleteSnapshot', { snapshotId }).catch((error) => error.code);
  console.log(
    JSON.stringify({
      regions: regions.region.map((one) => one.regionId),
      instances: instances.instance.map((one) => one.instanceId),
      disks,
      snapshot_of: snapshots.snapshot[0].sourceDiskId,
      tags: Object.fromEntries(tagResources.tagResource.map((one) => [one.tagKey, one.tagValue])),
      rejected,
    }),
  );
}

main();
