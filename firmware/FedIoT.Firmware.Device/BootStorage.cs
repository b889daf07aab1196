#nullable disable

using System;
using System.IO;
using FedIoT.Firmware.Logic.Board;

namespace FedIoT.Firmware.Device
{
    /// <summary>The boot id in internal storage.</summary>
    internal static class BootStorage
    {
        /// <summary>A number greater than at every boot before; it is in flash when the call returns.</summary>
        internal static uint Reserve(string folder, uint minimum)
        {
            string first = folder + "boot-a.bin";
            string second = folder + "boot-b.bin";
            bool goesFirst;
            uint bootId = BootRecord.Next(Read(first), Read(second), minimum, out goesFirst);
            string path = goesFirst ? first : second;
            File.WriteAllBytes(path, BootRecord.Encode(bootId));
            return BootRecord.Decode(Read(path)) == bootId
                ? bootId
                : throw new InvalidOperationException("The boot id did not reach the flash.");
        }

        private static byte[] Read(string path)
        {
            return File.Exists(path) ? File.ReadAllBytes(path) : null;
        }
    }
}
