// @alicloud/log: writes two logs.
'use strict';

const { env } = process;
const Client = require('@alicloud/log');

const PROJECT = 'tour-project';
const LOGSTORE = 'tour-store';

const client = new Client({
  endpoint: env.SLS_ENDPOINT,
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
});

async function main() {
  const timestamp = Math.floor(Date.now() / 1000);
  const logs = ['1', '2'].map((number) => ({ timestamp, content: { number } }));
  await client.postLogStoreLogs(PROJECT, LOGSTORE, { logs });
  console.log(JSON.stringify({ written: logs.length }));
}

main();
