#nullable disable

using System;
using System.Security.Cryptography;
using FedIoT.Firmware.Logic.Board;
using FedIoT.Wire.Device;

namespace FedIoT.Firmware.Device
{
    /// <summary>HMAC-SHA256 by the firmware's native code. Takes memory at each call; one call is one frame.</summary>
    internal sealed class NativeHmac : IMessageAuthenticator
    {
        private readonly HMACSHA256 native;
        private byte[] exact = new byte[FrameEncoder.TagBytes];

        internal NativeHmac(byte[] key)
        {
            native = new HMACSHA256(key);
        }

        /// <inheritdoc/>
        public bool SelfTest()
        {
            return DeviceProof.IsRight(new NativeHmac(DeviceProof.Ascii("Jefe")));
        }

        /// <inheritdoc/>
        public void ComputeTag(byte[] message, int length, byte[] tag)
        {
            if (exact.Length != length)
            {
                exact = new byte[length]; // the native call takes whole arrays; lengths rarely change
            }

            Array.Copy(message, 0, exact, 0, length);
            Array.Copy(native.ComputeHash(exact), 0, tag, 0, FrameEncoder.TagBytes);
        }
    }
}
