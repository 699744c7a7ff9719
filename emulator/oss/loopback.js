// Leads requests for OSS to the emulator: `node --require ./loopback.js <script>`, or
// `NODE_OPTIONS="--require $PWD/emulator/oss/loopback.js" s deploy`, with OSS_ENDPOINT set to the
// address of a region's OSS. Tools such as the fc3 component of `s` have OSS's host built in. The
// Host header stays: the signature and the emulator read the bucket from it.
'use strict';

const http = require('http');
const https = require('https');

const OSS = /^(?:[a-z0-9-]+\.)?oss-[a-z0-9-]+\.aliyuncs\.com$/;
const local = new URL(process.env.OSS_ENDPOINT);
const plainly = http.request;

function redirecting(request) {
  return (...given) => {
    const rest = typeof given[0] === 'string' || given[0] instanceof URL ? given.slice(1) : given;
    const url = rest.length < given.length ? new URL(given[0]) : null;
    const options = { ...(typeof rest[0] === 'object' ? rest[0] : {}) };
    const host = options.hostname || (url ? url.hostname : String(options.host).split(':')[0]);
    if (!OSS.test(host)) return request(...given);
    return plainly(
      {
        method: options.method,
        path: options.path || (url && url.pathname + url.search),
        headers: { ...options.headers, host },
        timeout: options.timeout,
        host: local.hostname,
        port: local.port,
      },
      given.find((one) => typeof one === 'function'),
    );
  };
}

http.request = redirecting(http.request);
https.request = redirecting(https.request);
