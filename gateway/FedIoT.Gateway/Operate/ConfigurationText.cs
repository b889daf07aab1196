using System.Globalization;
using System.Text;
using FedIoT.Gateway.Configuration;
using FedIoT.Station;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// A configuration as the gateway understood it, written anew from what was bound: no comments, no unknown keys, no
/// contents of the files that it names. What somebody noted in the file stays there.
/// </summary>
internal static class ConfigurationText
{
    /// <summary>The text, in the form of the file.</summary>
    public static string Of(GatewayConfiguration configuration)
    {
        var text = new StringBuilder();
        Table(text, "node",
            ("state_folder", Quoted(configuration.StateFolder)), ("listen", Quoted(configuration.Listen)),
            ("admin_socket", Quoted(configuration.AdminSocket)));
        Table(text, "chain",
            ("id", Quoted(configuration.ChainId)), ("genesis_file", Quoted(configuration.Genesis.Path)),
            ("idle_interval_ms", Number((long)configuration.IdleInterval.TotalMilliseconds)));
        Table(text, "keys",
            ("node", Quoted(configuration.NodeKey.Address.Identity)),
            ("training", Quoted(configuration.TrainingKey.Address.Identity)));
        Table(text, "mqtt",
            ("listen", Quoted(configuration.MqttListen)), ("windows_kept", Number(configuration.WindowsKept)));
        Table(text, "features",
            ("window_samples", Number(configuration.Features.WindowSamples)),
            ("hop_samples", Number(configuration.Features.HopSamples)),
            ("sample_interval_ms", Number(configuration.Features.SampleIntervalMs)));
        StationOptions parts = configuration.Station.Parts;
        Table(text, "station",
        [
            .. Optional("led_pin", parts.LedPin), .. Optional("tamper_pin", parts.TamperPin),
            .. Optional("join_pin", parts.JoinPin), .. Optional("clock_bus", parts.ClockBus),
            ("lock_signing", configuration.Station.LocksSigning ? "true" : "false"),
        ]);
        foreach (PeerAddress peer in configuration.Peers)
        {
            Table(text, "[chain.peer]",
                ("account", Quoted(peer.Account)),
                ("address", Quoted(string.Create(CultureInfo.InvariantCulture, $"{peer.Host}:{peer.Port}"))));
        }

        foreach (GatewayConfiguration.DeviceEntry device in configuration.Devices)
        {
            Table(text, "[device]",
                ("id", Quoted(device.Id)), ("key", Quoted("file:" + device.Key.Path)),
                ("trains", device.Trains ? "true" : "false"));
        }

        return text.ToString();
    }

    private static void Table(StringBuilder text, string name, params ReadOnlySpan<(string Key, string Value)> keys)
    {
        text.Append('[').Append(name).Append("]\n");
        foreach ((string key, string value) in keys)
        {
            text.Append(key).Append(" = ").Append(value).Append('\n');
        }

        text.Append('\n');
    }

    private static IEnumerable<(string Key, string Value)> Optional(string key, int? number) =>
        number is { } n ? [(key, Number(n))] : [];

    private static string Quoted(object value)
    {
        string text = value.ToString() ?? string.Empty;
        return "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
