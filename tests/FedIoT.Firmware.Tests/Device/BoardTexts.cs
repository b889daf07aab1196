using System.Text;
using FedIoT.Firmware.Logic.Board;

namespace FedIoT.Firmware.Tests.Device;

/// <summary>Configurations for tests.</summary>
internal static class BoardTexts
{
    public const string Complete = """
        # a board
        device=d-1
        key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        wifi-ssid=Hall 3
        gateway=gateway.local
        specification-tag=a1b2c3d4
        window=16
        interval-ms=20
        accelerometer-g=2

        """;

    public static DeviceConfiguration Read(string text) =>
        new(new ConfigurationText(Encoding.ASCII.GetBytes(text.ReplaceLineEndings("\n"))));
}
