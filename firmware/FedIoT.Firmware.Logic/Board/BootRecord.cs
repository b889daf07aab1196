#nullable disable

using System;

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>
    /// The boot id as a board keeps it: a value and its complement in each of two files, written in turn, so that a
    /// power cut while one is written leaves the other.
    /// </summary>
    public static class BootRecord
    {
        /// <summary>Length of a record.</summary>
        public const int Bytes = 8;

        /// <summary>The boot id to use now, greater than at every boot before; written first.</summary>
        /// <param name="first">The first file, or null when it is not there.</param>
        /// <param name="second">The second file, or null when it is not there.</param>
        /// <param name="minimum">At least 1; from the configuration, for a board whose flash was erased.</param>
        /// <param name="goesFirst">True when the first file is the one to write.</param>
        /// <exception cref="InvalidOperationException">Both are damaged, or no number is left.</exception>
        public static uint Next(byte[] first, byte[] second, uint minimum, out bool goesFirst)
        {
            uint a = Decode(first);
            uint b = Decode(second);
            uint last = a > b ? a : b;
            if (last == 0 && minimum <= 1 && first != null && second != null)
            {
                throw new InvalidOperationException("Both boot id files are damaged: set boot-id-min.");
            }

            if (last == uint.MaxValue)
            {
                throw new InvalidOperationException("No boot id is left.");
            }

            goesFirst = a <= b; // the older one
            return last + 1 > minimum ? last + 1 : minimum;
        }

        /// <summary>The bytes of a file.</summary>
        public static byte[] Encode(uint bootId)
        {
            byte[] record = new byte[Bytes];
            for (int i = 0; i < Bytes / 2; i++)
            {
                record[i] = (byte)((bootId >> (24 - (8 * i))) & 0xFF);
                record[i + (Bytes / 2)] = (byte)(record[i] ^ 0xFF);
            }

            return record;
        }

        /// <summary>The boot id in a file; 0 for one that is not there or not whole.</summary>
        public static uint Decode(byte[] record)
        {
            if (record == null || record.Length != Bytes)
            {
                return 0;
            }

            for (int i = 0; i < Bytes / 2; i++)
            {
                if ((record[i] ^ record[i + (Bytes / 2)]) != 0xFF)
                {
                    return 0;
                }
            }

            return ReadUInt32(record);
        }

        /// <summary>The first four bytes, big-endian.</summary>
        public static uint ReadUInt32(byte[] bytes)
        {
            return ((uint)bytes[0] << 24) | ((uint)bytes[1] << 16) | ((uint)bytes[2] << 8) | bytes[3];
        }
    }
}
