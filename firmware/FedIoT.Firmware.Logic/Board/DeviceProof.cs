#nullable disable

using FedIoT.Wire.Device;

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>What a board derives from its key, other than the tags of frames.</summary>
    public static class DeviceProof
    {
        /// <summary>The MQTT password: docs/spec/wire.md, section 1.</summary>
        public static string Password(IMessageAuthenticator authenticator)
        {
            byte[] tag = TagOf("fediot/1 mqtt", authenticator);
            char[] digits = new char[2 * tag.Length];
            for (int i = 0; i < digits.Length; i++)
            {
                digits[i] = "0123456789abcdef"[(tag[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0x0F];
            }

            return new string(digits);
        }

        /// <summary>A number that differs from device to device and from boot to boot, for jitter only.</summary>
        public static uint Seed(IMessageAuthenticator authenticator, uint bootId)
        {
            return BootRecord.ReadUInt32(TagOf("fediot/1 jitter " + bootId.ToString(), authenticator));
        }

        /// <summary>
        /// True when an authenticator for the key "Jefe" computes RFC 4231 test case 2, of which the managed code
        /// knows the answer.
        /// </summary>
        public static bool IsRight(IMessageAuthenticator authenticatorForJefe)
        {
            const string message = "what do ya want for nothing?";
            HmacSha256 managed = new HmacSha256(Ascii("Jefe"));
            byte[] expected = TagOf(message, managed);
            byte[] tag = TagOf(message, authenticatorForJefe);
            int difference = managed.SelfTest() ? 0 : 1;
            for (int i = 0; i < tag.Length; i++)
            {
                difference |= tag[i] ^ expected[i];
            }

            return difference == 0;
        }

        /// <summary>A text of ASCII characters as bytes.</summary>
        public static byte[] Ascii(string text)
        {
            byte[] bytes = new byte[text.Length];
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)(text[i] & 0x7F);
            }

            return bytes;
        }

        private static byte[] TagOf(string message, IMessageAuthenticator authenticator)
        {
            byte[] tag = new byte[FrameEncoder.TagBytes];
            authenticator.ComputeTag(Ascii(message), message.Length, tag);
            return tag;
        }
    }
}
