// The CRC-64 of ECMA-182 in decimal, as the fc3 component compares it with `codeChecksum`.
'use strict';

exports.crc64 = (data) => {
  let crc = (1n << 64n) - 1n;
  for (const byte of data) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ (crc & 1n ? 0xc96c5795d7870f42n : 0n);
  }
  return String(crc ^ ((1n << 64n) - 1n));
};
