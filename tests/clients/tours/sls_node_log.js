// @alicloud/log, which makes a project at the bare endpoint and sends parameters without values.
'use strict';

const Client = require('@alicloud/log');

const PROJECT = 'tour-project';
const LOGSTORE = 'tour-store';
const { env } = process;

const sls = new Client({
  endpoint: env.SLS_ENDPOINT,
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
});
const index = { line: { token: [','] }, keys: { number: { type: 'long', token: [','] } } };

async function codeOfUnknown() {
  try {
    await sls.getProject('no-such-project');
  } catch (error) {
    return error.code;
  }
  return '';
}

async function main() {
  await sls.createProject(PROJECT, { description: 'of a tour' });
  await sls.createLogStore(PROJECT, LOGSTORE, { ttl: 3, shardCount: 2 });
  await sls.createIndex(PROJECT, LOGSTORE, index);
  await sls.updateIndex(PROJECT, LOGSTORE, index);
  const timestamp = Math.floor(Date.now() / 1000);
  for (const number of ['1', '2', '3']) {
    const logs = [{ timestamp, content: { number } }];
    await sls.postLogStoreLogs(PROJECT, LOGSTORE, { logs, topic: 'topic', tags: [{ a: 'b' }] });
  }
  const range = [new Date((timestamp - 60) * 1000), new Date((timestamp + 60) * 1000)];
  const query = { query: 'number > 1' };
  const found = await sls.getLogs(PROJECT, LOGSTORE, ...range, query);
  const counted = await sls.getHistograms(PROJECT, LOGSTORE, ...range, query);
  await sls.updateLogStore(PROJECT, LOGSTORE, { ttl: 7 });
  const { logstores } = await sls.listLogStore(PROJECT);
  console.log(
    JSON.stringify({
      found: found.map((log) => log.number),
      counted: counted.reduce((sum, part) => sum + part.count, 0),
      ttl: (await sls.getLogStore(PROJECT, LOGSTORE)).ttl,
      logstores,
      description: (await sls.getProject(PROJECT)).description,
      indexed: Object.keys((await sls.getIndexConfig(PROJECT, LOGSTORE)).keys),
      unknown: await codeOfUnknown(),
    }),
  );
  await sls.deleteIndex(PROJECT, LOGSTORE);
  await sls.deleteLogStore(PROJECT, LOGSTORE);
  await sls.deleteProject(PROJECT);
}

main();
