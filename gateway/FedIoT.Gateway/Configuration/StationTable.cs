using FedIoT.Gateway.Board;
using FedIoT.Station;

namespace FedIoT.Gateway.Configuration;

/// <summary>Reads <c>[station]</c>; every key is optional, and so is the table.</summary>
internal static class StationTable
{
    // GPIO numbers as the system counts them, not pins of the header; the largest boards have fewer lines.
    private const int PinMax = 255;
    private const int BusMax = 255;
    private const int Absent = -1;

    /// <summary>Reads it; what is wrong is then among the file's problems.</summary>
    public static StationSettings Read(TomlFile file)
    {
        TomlTable table = file.Table("station", isRequired: false);
        var parts = new StationOptions
        {
            LedPin = Number(table, "led_pin", PinMax),
            TamperPin = Number(table, "tamper_pin", PinMax),
            JoinPin = Number(table, "join_pin", PinMax),
            ClockBus = Number(table, "clock_bus", BusMax),
        };
        int[] pins = [.. new[] { parts.LedPin, parts.TamperPin, parts.JoinPin }.OfType<int>()];
        if (pins.Distinct().Count() < pins.Length)
        {
            string last = parts.JoinPin is null ? "tamper_pin" : "join_pin";
            table.Refuse(last, "a GPIO of its own: two parts have the same");
        }

        bool locks = table.Flag("lock_signing", fallback: false);
        if (locks && parts.TamperPin is null)
        {
            table.Refuse("lock_signing", "false, or a tamper_pin: without a lid switch nothing would lock");
        }

        return new StationSettings(parts, locks);
    }

    private static int? Number(TomlTable table, string key, int max) =>
        table.Integer(key, 0, max, Absent) is >= 0 and var number ? (int)number : null;
}
