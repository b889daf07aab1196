#nullable disable

using FedIoT.Wire.Device;

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// HMAC-SHA256 (RFC 2104) in managed code, for boards without native crypto, hosts and simulations. The two
    /// keyed blocks are hashed once, in the constructor. Not thread-safe.
    /// </summary>
    public sealed class HmacSha256 : IMessageAuthenticator
    {
        private readonly Sha256 hash = new Sha256();
        private readonly uint[] innerState = new uint[Sha256.StateWords];
        private readonly uint[] outerState = new uint[Sha256.StateWords];
        private readonly byte[] innerDigest = new byte[Sha256.DigestBytes];

        /// <summary>Takes a key.</summary>
        /// <param name="key">1 to 64 bytes; a device key has 32. Not kept.</param>
        /// <exception cref="System.ArgumentException">The key has another length.</exception>
        public HmacSha256(byte[] key)
        {
            if (key == null || key.Length < 1 || key.Length > Sha256.BlockBytes)
            {
                throw new System.ArgumentException("A key has 1 to 64 bytes.");
            }

            byte[] block = new byte[Sha256.BlockBytes];
            Prepare(key, 0x36, block, innerState);
            Prepare(key, 0x5C, block, outerState);
            System.Array.Clear(block, 0, block.Length);
        }

        /// <inheritdoc/>
        public bool SelfTest()
        {
            // RFC 4231 section 4.3: key "Jefe", data "what do ya want for nothing?"
            byte[] key = new byte[] { 0x4A, 0x65, 0x66, 0x65 };
            byte[] data = new byte[]
            {
                0x77, 0x68, 0x61, 0x74, 0x20, 0x64, 0x6F, 0x20, 0x79, 0x61, 0x20, 0x77, 0x61, 0x6E,
                0x74, 0x20, 0x66, 0x6F, 0x72, 0x20, 0x6E, 0x6F, 0x74, 0x68, 0x69, 0x6E, 0x67, 0x3F,
            };
            byte[] expected = new byte[]
            {
                0x5B, 0xDC, 0xC1, 0x46, 0xBF, 0x60, 0x75, 0x4E, 0x6A, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xC7,
                0x5A, 0x00, 0x3F, 0x08, 0x9D, 0x27, 0x39, 0x83, 0x9D, 0xEC, 0x58, 0xB9, 0x64, 0xEC, 0x38, 0x43,
            };
            byte[] tag = new byte[Sha256.DigestBytes];
            new HmacSha256(key).ComputeTag(data, data.Length, tag);
            int difference = 0;
            for (int i = 0; i < tag.Length; i++)
            {
                difference |= tag[i] ^ expected[i];
            }

            return difference == 0;
        }

        /// <inheritdoc/>
        public void ComputeTag(byte[] message, int length, byte[] tag)
        {
            hash.Load(innerState);
            hash.Finish(message, length, Sha256.BlockBytes, innerDigest);
            hash.Load(outerState);
            hash.Finish(innerDigest, Sha256.DigestBytes, Sha256.BlockBytes, tag);
        }

        private void Prepare(byte[] key, int pad, byte[] block, uint[] destination)
        {
            for (int i = 0; i < block.Length; i++)
            {
                int value = i < key.Length ? key[i] : 0;
                block[i] = (byte)(value ^ pad);
            }

            hash.Initialize();
            hash.Compress(block, 0);
            hash.Save(destination);
        }
    }
}
