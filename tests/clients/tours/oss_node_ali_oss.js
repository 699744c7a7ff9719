// ali-oss: an object's life; its argument is the version of the signature, v1 or v4.
'use strict';

const { env } = process;
const fs = require('fs');
const Oss = require('ali-oss');

const NAME = 'a folder/päckage.zip';
const client = new Oss({
  endpoint: env.OSS_ENDPOINT,
  region: `oss-${env.REGION_ID}`,
  accessKeyId: env.ACCESS_KEY_ID,
  accessKeySecret: env.ACCESS_KEY_SECRET,
  authorizationV4: process.argv[2] === 'v4',
});

async function main() {
  await client.putBucket('tour-bucket');
  client.useBucket('tour-bucket');
  await client.put(NAME, env.PACKAGE);
  const { content } = await client.get(NAME);
  const { status } = await client.head(NAME);
  await client.delete(NAME);
  const rejected = await client.get(NAME).catch((error) => error.code);
  const same = content.equals(fs.readFileSync(env.PACKAGE));
  console.log(JSON.stringify({ same, status, rejected }));
}

main();
