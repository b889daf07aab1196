#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// SHA-256 (FIPS 180-4) in 32-bit arithmetic, without allocation after construction. Additions are modulo 2^32
    /// by definition, hence the <c>unchecked</c> blocks. Not thread-safe.
    /// </summary>
    internal sealed class Sha256
    {
        internal const int BlockBytes = 64;
        internal const int DigestBytes = 32;
        internal const int StateWords = 8;

        // First 32 bits of the fractional parts of the cube roots of the first 64 primes, FIPS 180-4 section 4.2.2.
        private static readonly uint[] K = new uint[]
        {
            0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
            0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
            0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
            0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
            0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
            0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
            0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
            0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
        };

        private static readonly uint[] InitialState = new uint[]
        {
            0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
        };

        private readonly uint[] state = new uint[StateWords];
        private readonly uint[] schedule = new uint[64];
        private readonly byte[] tail = new byte[2 * BlockBytes];

        internal void Initialize()
        {
            System.Array.Copy(InitialState, 0, state, 0, StateWords);
        }

        internal void Load(uint[] saved)
        {
            System.Array.Copy(saved, 0, state, 0, StateWords);
        }

        internal void Save(uint[] destination)
        {
            System.Array.Copy(state, 0, destination, 0, StateWords);
        }

        /// <summary>Hashes a message after <paramref name="bytesBefore"/> bytes, whole blocks, in the state.</summary>
        internal void Finish(byte[] message, int length, int bytesBefore, byte[] digest)
        {
            int whole = length - (length % BlockBytes);
            for (int offset = 0; offset < whole; offset += BlockBytes)
            {
                Compress(message, offset);
            }

            int rest = length - whole;
            int tailLength = rest + 9 <= BlockBytes ? BlockBytes : 2 * BlockBytes;
            System.Array.Clear(tail, 0, tail.Length);
            System.Array.Copy(message, whole, tail, 0, rest);
            tail[rest] = 0x80;
            unchecked
            {
                uint bits = (uint)(bytesBefore + length) << 3; // messages here are far below 2^29 bytes
                PutWord(bits, tail, tailLength - 4);
            }

            for (int offset = 0; offset < tailLength; offset += BlockBytes)
            {
                Compress(tail, offset);
            }

            for (int i = 0; i < StateWords; i++)
            {
                PutWord(state[i], digest, 4 * i);
            }
        }

        internal void Compress(byte[] block, int offset)
        {
            unchecked
            {
                uint[] w = schedule;
                for (int i = 0; i < 16; i++)
                {
                    int p = offset + (4 * i);
                    w[i] = ((uint)block[p] << 24) | ((uint)block[p + 1] << 16)
                        | ((uint)block[p + 2] << 8) | block[p + 3];
                }

                for (int i = 16; i < 64; i++)
                {
                    uint x = w[i - 15];
                    uint y = w[i - 2];
                    uint s0 = ((x >> 7) | (x << 25)) ^ ((x >> 18) | (x << 14)) ^ (x >> 3);
                    uint s1 = ((y >> 17) | (y << 15)) ^ ((y >> 19) | (y << 13)) ^ (y >> 10);
                    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
                }

                Mix(w);
            }
        }

        private static void PutWord(uint word, byte[] destination, int offset)
        {
            unchecked
            {
                destination[offset] = (byte)(word >> 24);
                destination[offset + 1] = (byte)(word >> 16);
                destination[offset + 2] = (byte)(word >> 8);
                destination[offset + 3] = (byte)word;
            }
        }

        private void Mix(uint[] w)
        {
            uint[] s = state;
            uint[] k = K;
            uint a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
            unchecked
            {
                for (int i = 0; i < 64; i++)
                {
                    uint s1 = ((e >> 6) | (e << 26)) ^ ((e >> 11) | (e << 21)) ^ ((e >> 25) | (e << 7));
                    uint t1 = h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
                    uint s0 = ((a >> 2) | (a << 30)) ^ ((a >> 13) | (a << 19)) ^ ((a >> 22) | (a << 10));
                    uint t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
                    h = g;
                    g = f;
                    f = e;
                    e = d + t1;
                    d = c;
                    c = b;
                    b = a;
                    a = t1 + t2;
                }

                s[0] += a;
                s[1] += b;
                s[2] += c;
                s[3] += d;
                s[4] += e;
                s[5] += f;
                s[6] += g;
                s[7] += h;
            }
        }
    }
}
