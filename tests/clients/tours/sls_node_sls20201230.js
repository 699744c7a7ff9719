// @alicloud/sls20201230, with the version of the signature that the argument names. It neither
// writes nor pulls logs: it does not know protobuf. So it searches what is there already.
'use strict';

const { default: Client, ...models } = require('@alicloud/sls20201230');
const { $OpenApiUtil } = require('@alicloud/openapi-core');

const PROJECT = 'tour-project';
const LOGSTORE = 'tour-store';
const WRITTEN = ['written-project', 'written-store'];
const { env } = process;
const [protocol, endpoint] = env.SLS_ENDPOINT.split('://');

const sls = new Client(
  new $OpenApiUtil.Config({
    accessKeyId: env.ACCESS_KEY_ID,
    accessKeySecret: env.ACCESS_KEY_SECRET,
    regionId: env.REGION_ID,
    protocol,
    endpoint,
    signatureVersion: process.argv[2],
  }),
);
const index = new models.Index({
  line: new models.IndexLine({ token: [','] }),
  keys: { number: new models.IndexKey({ type: 'long', token: [','] }) },
});

async function codeOfUnknown() {
  try {
    await sls.getProject('no-such-project');
  } catch (error) {
    return error.code;
  }
  return '';
}

const alert = {
  displayName: 'A disk failed',
  description: 'of a tour',
  schedule: { type: 'FixedRate', interval: '15m' },
  configuration: {
    version: '2.0',
    type: 'default',
    queryList: [
      {
        storeType: 'log',
        project: PROJECT,
        store: LOGSTORE,
        query: '* | select count(1) as n',
        start: '-15m',
        end: 'now',
      },
    ],
    severityConfigurations: [
      { severity: 8, evalCondition: { condition: 'n > 0', countCondition: '' } },
    ],
  },
};
const chart = {
  title: 'runs',
  type: 'tablepro',
  action: {},
  search: { logstore: LOGSTORE, topic: '', query: '@', start: '-86400s', end: 'now' },
  display: { xPos: 0, yPos: 0, width: 24, height: 9 },
};

async function monitoring() {
  const dashboard = { dashboardName: 'runs', displayName: 'Runs', charts: [chart] };
  const body = new models.Dashboard({ ...dashboard, description: '', attribute: {} });
  await sls.createDashboard(PROJECT, new models.CreateDashboardRequest({ body }));
  const shown = (await sls.getDashboard(PROJECT, 'runs')).body;
  await sls.deleteDashboard(PROJECT, 'runs');
  const made = new models.CreateAlertRequest({ ...alert, name: 'failed-disks' });
  await sls.createAlert(PROJECT, made);
  await sls.updateAlert(PROJECT, 'failed-disks', new models.UpdateAlertRequest(alert));
  await sls.disableAlert(PROJECT, 'failed-disks');
  const { status } = (await sls.getAlert(PROJECT, 'failed-disks')).body;
  const { results } = (await sls.listAlerts(PROJECT, new models.ListAlertsRequest({}))).body;
  await sls.deleteAlert(PROJECT, 'failed-disks');
  const names = results.map((one) => one.name);
  return { charts: shown.charts.map((one) => one.title), status, alerts: names };
}

async function main() {
  await sls.createProject(
    new models.CreateProjectRequest({ projectName: PROJECT, description: 'of a tour' }),
  );
  const settings = { logstoreName: LOGSTORE, ttl: 3, shardCount: 2 };
  await sls.createLogStore(PROJECT, new models.CreateLogStoreRequest(settings));
  await sls.createIndex(PROJECT, LOGSTORE, new models.CreateIndexRequest({ body: index }));
  await sls.updateIndex(PROJECT, LOGSTORE, new models.UpdateIndexRequest({ body: index }));
  const now = Math.floor(Date.now() / 1000);
  const query = { from: now - 60, to: now + 60, query: 'number > 1' };
  const found = await sls.getLogsV2(...WRITTEN, new models.GetLogsV2Request(query));
  const listed = await sls.getLogs(...WRITTEN, new models.GetLogsRequest(query));
  const counted = await sls.getHistograms(...WRITTEN, new models.GetHistogramsRequest(query));
  const shards = (await sls.listShards(PROJECT, LOGSTORE)).body.map((one) => one.shardID);
  for (const shard of shards.map(String)) {
    const begin = new models.GetCursorRequest({ from: 'begin' });
    const { cursor } = (await sls.getCursor(PROJECT, LOGSTORE, shard, begin)).body;
    const asked = new models.GetCursorTimeRequest({ cursor });
    await sls.getCursorTime(PROJECT, LOGSTORE, shard, asked);
  }
  const change = { logstoreName: LOGSTORE, ttl: 7, shardCount: 2 };
  await sls.updateLogStore(PROJECT, LOGSTORE, new models.UpdateLogStoreRequest(change));
  const { projects } = (await sls.listProject(new models.ListProjectRequest({}))).body;
  const listing = await sls.listLogStores(PROJECT, new models.ListLogStoresRequest({}));
  const project = await sls.getProject(PROJECT);
  console.log(
    JSON.stringify({
      found: found.body.data.map((log) => log.number),
      listed: listed.body.map((log) => log.number),
      counted: counted.body.reduce((sum, part) => sum + part.count, 0),
      shards,
      ttl: (await sls.getLogStore(PROJECT, LOGSTORE)).body.ttl,
      projects: projects.map((one) => one.projectName),
      logstores: listing.body.logstores,
      description: project.body.description,
      indexed: Object.keys((await sls.getIndex(PROJECT, LOGSTORE)).body.keys),
      unknown: await codeOfUnknown(),
      ...(await monitoring()),
    }),
  );
  await sls.deleteIndex(PROJECT, LOGSTORE);
  await sls.deleteLogStore(PROJECT, LOGSTORE);
  await sls.deleteProject(PROJECT, new models.DeleteProjectRequest({}));
}

main();
