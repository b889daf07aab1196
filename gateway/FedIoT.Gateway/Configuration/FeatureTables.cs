using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Configuration;

/// <summary>Reads <c>[features]</c> and <c>[[features.channel]]</c>, the same in gateway and task files.</summary>
internal static class FeatureTables
{
    /// <summary>Reads them; null when they are wrong, which is then among the problems.</summary>
    public static FeatureSpecification? Read(TomlFile file, ProblemList problems)
    {
        TomlTable table = file.Table("features");
        int window = (int)table.Integer("window_samples", 1, FeatureSpecification.WindowSamplesMax);
        int hop = (int)table.Integer("hop_samples", 1, FeatureSpecification.WindowSamplesMax);
        int interval = (int)table.Integer("sample_interval_ms", 1, 86_400_000);
        if (hop > window)
        {
            table.Refuse("hop_samples", $"at most window_samples, which is {window}");
        }

        IReadOnlyList<TomlTable> channels = file.Tables("features.channel");
        if (channels.Count is < 1 or > FeatureSpecification.ChannelsMax)
        {
            problems.Add(
                channels.Count == 0 ? table.Place : channels[^1].Place,
                $"{channels.Count} tables [[features.channel]]: expected 1 to {FeatureSpecification.ChannelsMax}");
        }

        ChannelSpecification[] read =
        [
            .. channels.Select(c => new ChannelSpecification(
                c.Text("name", "ax", lengthMax: 32), c.Text("unit", "g", lengthMax: 16),
                c.Millionths("range", "4.0"))),
        ];
        return problems.IsEmpty ? new FeatureSpecification(read, window, hop, interval) : null;
    }
}
