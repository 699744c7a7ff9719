// As loopback.py: `node --require ./loopback.js <script>` has every `*.localhost` on this
// machine's loopback address.
'use strict';

const dns = require('dns');

const { lookup } = dns;
dns.lookup = (name, options, done) =>
  lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, options, done);
