// @alicloud/pop-core, the older core: HMAC-SHA1; its argument is the method, GET or POST.
'use strict';

const { env } = process;
const { RPCClient } = require('@alicloud/pop-core');

const RegionId = env.REGION_ID;
const method = process.argv[2];
const client = new RPCClient({
  endpoint: env.ECS_ENDPOINT,
  apiVersion: '2014-05-26',
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
});

function call(action, params) {
  return client.request(action, { RegionId, ...params }, { method });
}

async function main() {
  const { Regions } = await call('DescribeRegions', { AcceptLanguage: 'en-US' });
  const { Instances } = await call('DescribeInstances', {});
  const disks = [];
  for (const PageNumber of [1, 2]) {
    const page = await call('DescribeDisks', { PageSize: 1, PageNumber });
    disks.push(...page.Disks.Disk.map((one) => one.DiskId));
  }
  const { SnapshotId } = await call('CreateSnapshot', {
    DiskId: disks[0],
    ClientToken: 'tour-1',
    RetentionDays: 1,
    'Tag.1.Key': 'made',
    'Tag.1.Value': '1',
  });
  const resource = { ResourceType: 'snapshot', 'ResourceId.1': SnapshotId };
  await call('TagResources', { ...resource, 'Tag.1.Key': 'tour', 'Tag.1.Value': '2' });
  const { TagResources } = await call('ListTagResources', resource);
  const { Snapshots } = await call('DescribeSnapshots', {
    SnapshotIds: JSON.stringify([SnapshotId]),
  });
  await call('DeleteSnapshot', { SnapshotId });
  const rejected = await call('DeleteSnapshot', { SnapshotId }).catch((error) => error.code);
  console.log(
    JSON.stringify({
      regions: Regions.Region.map((one) => one.RegionId),
      instances: Instances.Instance.map((one) => one.InstanceId),
      disks,
      snapshot_of: Snapshots.Snapshot[0].SourceDiskId,
      tags: Object.fromEntries(TagResources.TagResource.map((one) => [one.TagKey, one.TagValue])),
      rejected,
    }),
  );
}

main();
