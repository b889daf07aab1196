using System.Globalization;
using System.Text.Json;

namespace FedIoT.Display;

/// <summary>What the screen says: four lines of 21 characters. Pure.</summary>
public static class ScreenText
{
    /// <summary>Lines of the screen.</summary>
    public const int Lines = 4;

    /// <summary>Characters of a line.</summary>
    public const int Columns = 21;

    /// <summary>The lines for a status and a reading.</summary>
    /// <param name="status">Answer <c>fediot.status/1</c> of the daemon; null when it does not answer.</param>
    /// <param name="climate">Null without a sensor.</param>
    /// <returns>At most <see cref="Lines"/> lines of at most <see cref="Columns"/> characters.</returns>
    public static IReadOnlyList<string> Of(byte[]? status, ClimateReading? climate)
    {
        string[] lines = [.. StatusLines(status), Climate(climate)];
        return [.. lines.Select(l => l.Length <= Columns ? l : l[..Columns])];
    }

    private static IEnumerable<string> StatusLines(byte[]? status)
    {
        if (status is null)
        {
            return ["GATEWAY DOES NOT RUN", string.Empty, string.Empty];
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(status);
            JsonElement s = document.RootElement;
            bool isAlarm = s.GetProperty("caseOpenedAt").ValueKind != JsonValueKind.Null;
            int window = s.GetProperty("joinWindowSeconds").GetInt32();
            string verdict = isAlarm ? "ALARM: CASE OPENED" : s.GetProperty("state").GetString()!.ToUpperInvariant();
            string head = string.Create(
                CultureInfo.InvariantCulture,
                $"BLOCK {s.GetProperty("height").GetInt64()}");
            string peers = string.Create(
                CultureInfo.InvariantCulture,
                $"PEERS {s.GetProperty("peersConnected").GetInt32()}/{s.GetProperty("peersConfigured").GetInt32()} "
                + $"DEV {s.GetProperty("devices").GetInt32()}");
            string join = string.Create(CultureInfo.InvariantCulture, $"JOIN {window / 60}:{window % 60:00}");
            return [verdict, head, window > 0 ? join : peers];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException)
        {
            return ["STATUS NOT READABLE", string.Empty, string.Empty];
        }
    }

    private static string Climate(ClimateReading? climate) => climate is null ? "NO SENSOR" : string.Join(
        ' ',
        new[]
        {
            Part(climate.Celsius, "0.0", "C"), Part(climate.HumidityPercent, "0", "%"),
            Part(climate.Hectopascals, "0", "HPA"),
        }.Where(p => p.Length > 0).DefaultIfEmpty("NO READING"));

    private static string Part(double? value, string format, string unit) =>
        value is { } v && double.IsFinite(v) ? v.ToString(format, CultureInfo.InvariantCulture) + unit : string.Empty;
}
