#nullable disable

using System;

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>
    /// Lines <c>key=value</c> in ASCII; empty lines and lines that start with '#' say nothing. Every key is asked for
    /// once, at boot; what nobody asked for is an error, because a misspelt key must not become a default.
    /// Every <see cref="ArgumentException"/> names the key or the line. Not thread-safe.
    /// </summary>
    public sealed class ConfigurationText
    {
        private readonly byte[] text;
        private readonly bool[] isUsed; // by the index where a line starts

        /// <summary>Takes the bytes of a file, which are kept.</summary>
        public ConfigurationText(byte[] text)
        {
            if (text == null)
            {
                throw new ArgumentException("A configuration has a text.");
            }

            this.text = text;
            isUsed = new bool[text.Length];
        }

        /// <summary>A value; the fallback, when there is one, for a key that is not there.</summary>
        public string Text(string key, string fallback)
        {
            int start = FindValue(key);
            if (start < 0)
            {
                return fallback != null ? fallback : throw new ArgumentException(key + " is missing.");
            }

            char[] value = new char[EndOf(start) - start];
            for (int i = 0; i < value.Length; i++)
            {
                value[i] = (char)text[start + i];
            }

            return new string(value);
        }

        /// <summary>A whole number; required when the fallback is negative.</summary>
        public int Number(string key, int min, int max, int fallback)
        {
            string digits = Text(key, fallback < 0 ? null : "");
            long value = digits.Length == 0 && fallback >= 0 ? fallback : 0;
            bool isNumber = digits.Length > 0 ? digits.Length <= 10 : fallback >= 0;
            for (int i = 0; i < digits.Length && isNumber; i++)
            {
                isNumber = digits[i] >= '0' && digits[i] <= '9';
                value = (value * 10) + (digits[i] - '0');
            }

            return isNumber && value >= min && value <= max
                ? (int)value
                : throw new ArgumentException(key + " is from " + min.ToString() + " to " + max.ToString() + ".");
        }

        /// <summary>A required value of so many bytes in hexadecimal digits.</summary>
        public byte[] Bytes(string key, int count)
        {
            string digits = Text(key, null);
            byte[] bytes = new byte[count];
            for (int i = 0; i < 2 * count; i++)
            {
                int digit = digits.Length == 2 * count ? "0123456789abcdef".IndexOf(digits[i]) : -1;
                if (digit < 0)
                {
                    throw new ArgumentException(key + " has " + (2 * count).ToString() + " digits of 0-9 a-f.");
                }

                bytes[i / 2] = (byte)((bytes[i / 2] << 4) | digit);
            }

            return bytes;
        }

        /// <summary>Refuses a line that no call has read: unknown, or a key's second.</summary>
        public void RequireAllUsed()
        {
            int line = 1;
            for (int start = 0; start < text.Length; start = EndOf(start) + 1, line++)
            {
                if (!isUsed[start] && EndOf(start) > start && text[start] != '#')
                {
                    throw new ArgumentException("Line " + line.ToString() + " is unknown, or there twice.");
                }
            }
        }

        private int FindValue(string key)
        {
            for (int start = 0; start < text.Length; start = EndOf(start) + 1)
            {
                int matched = 0;
                while (matched < key.Length && start + matched < text.Length && text[start + matched] == key[matched])
                {
                    matched++;
                }

                if (matched == key.Length && start + matched < text.Length && text[start + matched] == '=')
                {
                    isUsed[start] = true;
                    return start + matched + 1;
                }
            }

            return -1;
        }

        private int EndOf(int start)
        {
            while (start < text.Length && text[start] != '\n')
            {
                start++;
            }

            return start;
        }
    }
}
