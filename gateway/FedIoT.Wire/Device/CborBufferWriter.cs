#nullable disable

namespace FedIoT.Wire.Device
{
    /// <summary>
    /// Deterministic CBOR (RFC 8949 section 4.2) into a caller's buffer: unsigned integers, byte and text strings,
    /// arrays, maps. What does not fit sets <see cref="IsOverflowed"/> and is not written; nothing throws and
    /// nothing is allocated. Map keys are the caller's to sort. Not thread-safe.
    /// </summary>
    public sealed class CborBufferWriter
    {
        private const int MajorUnsigned = 0x00;
        private const int MajorBytes = 0x40;
        private const int MajorText = 0x60;
        private const int MajorArray = 0x80;
        private const int MajorMap = 0xA0;

        private byte[] buffer;
        private int length;
        private bool isOverflowed;

        /// <summary>Bytes written since <see cref="Reset"/>.</summary>
        public int Length
        {
            get { return length; }
        }

        /// <summary>True when something did not fit; the content is then useless.</summary>
        public bool IsOverflowed
        {
            get { return isOverflowed; }
        }

        /// <summary>Starts again at the beginning of a buffer.</summary>
        public void Reset(byte[] destination)
        {
            buffer = destination;
            length = 0;
            isOverflowed = destination == null;
        }

        /// <summary>An unsigned integer.</summary>
        public void WriteUnsigned(uint value)
        {
            WriteHead(MajorUnsigned, value);
        }

        /// <summary>The head of an array of <paramref name="count"/> items.</summary>
        public void WriteArrayHead(uint count)
        {
            WriteHead(MajorArray, count);
        }

        /// <summary>The head of a map of <paramref name="count"/> pairs.</summary>
        public void WriteMapHead(uint count)
        {
            WriteHead(MajorMap, count);
        }

        /// <summary>The head of a byte string; its bytes follow by <see cref="WriteRaw"/>.</summary>
        public void WriteBytesHead(uint count)
        {
            WriteHead(MajorBytes, count);
        }

        /// <summary>A byte string.</summary>
        public void WriteBytes(byte[] bytes, int count)
        {
            WriteHead(MajorBytes, (uint)count);
            WriteRaw(bytes, count);
        }

        /// <summary>A text string given as ASCII.</summary>
        public void WriteAsciiText(byte[] ascii)
        {
            WriteHead(MajorText, (uint)ascii.Length);
            WriteRaw(ascii, ascii.Length);
        }

        /// <summary>Bytes as they are.</summary>
        public void WriteRaw(byte[] bytes, int count)
        {
            if (!Reserve(count))
            {
                return;
            }

            System.Array.Copy(bytes, 0, buffer, length, count);
            length += count;
        }

        /// <summary>Four bytes, most significant first, as they are.</summary>
        public void WriteRawUInt32(uint value)
        {
            if (Reserve(4))
            {
                Put(value >> 24);
                Put(value >> 16);
                Put(value >> 8);
                Put(value);
            }
        }

        /// <summary>Two bytes, most significant first, as they are.</summary>
        public void WriteRawInt16(short value)
        {
            if (Reserve(2))
            {
                uint bits = unchecked((uint)value);
                Put(bits >> 8);
                Put(bits);
            }
        }

        private void WriteHead(int major, uint value)
        {
            if (value < 24)
            {
                if (Reserve(1))
                {
                    Put((uint)major | value);
                }
            }
            else if (value < 0x100)
            {
                if (Reserve(2))
                {
                    Put((uint)major | 24);
                    Put(value);
                }
            }
            else if (value < 0x10000)
            {
                if (Reserve(3))
                {
                    Put((uint)major | 25);
                    Put(value >> 8);
                    Put(value);
                }
            }
            else if (Reserve(5))
            {
                Put((uint)major | 26);
                WriteRawUInt32(value);
            }
        }

        private bool Reserve(int count)
        {
            // In this form a huge count cannot wrap around.
            if (isOverflowed || count < 0 || count > buffer.Length - length)
            {
                isOverflowed = true;
                return false;
            }

            return true;
        }

        private void Put(uint value)
        {
            buffer[length] = unchecked((byte)value);
            length++;
        }
    }
}
