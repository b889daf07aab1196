using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace FedIoT.Rig.Tests;

/// <summary>
/// A board behind a power switch, a console and a card switch, each a command of the rig's file
/// (hardware/rig/README.md). Nothing is assumed about their make.
/// </summary>
internal sealed class RealRig : IRig
{
    private static readonly TimeSpan CommandMax = TimeSpan.FromMinutes(15); // writing a card takes its time
    private static readonly string[] Required =
        ["power_on", "power_off", "uart", "fediot", "read", "mqtt_host", "mqtt_port", "boot_seconds_max"];

    private static readonly string[] Numbers = ["mqtt_port", "boot_seconds_max"];
    private static readonly string[] Optional = ["write_image", "card_to_host", "card_to_board"];

    private readonly Dictionary<string, string> settings = new(StringComparer.Ordinal);
    private readonly Process console;

    /// <summary>Reads the rig's file and begins to listen to the console.</summary>
    /// <exception cref="InvalidOperationException">The file, or what it must name, is missing: all of it is listed.
    /// </exception>
    public RealRig(string file)
    {
        Name = $"real, {Path.GetFileName(file)}";
        if (!File.Exists(file))
        {
            throw new InvalidOperationException(
                $"FEDIOT_RIG names {Path.GetFullPath(file)}, which is not there; hardware/rig/README.md says what is "
                + "in it. FEDIOT_RIG=fake runs the same tests without a board.");
        }

        foreach (string line in File.ReadLines(file))
        {
            int at = line.IndexOf('=', StringComparison.Ordinal);
            if (at > 0 && !line.StartsWith('#'))
            {
                settings[line[..at].Trim()] = line[(at + 1)..].Trim().Trim('"');
            }
        }

        string[] missing = [.. Required.Where(k => !settings.ContainsKey(k))];
        if (missing.Length > 0)
        {
            throw new InvalidOperationException(
                $"{file} lacks: {string.Join(", ", missing)}. See hardware/rig/README.md.");
        }

        string[] wrong =
        [
            .. Numbers.Where(k => !ushort.TryParse(
                settings[k], NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) || number == 0)
                .Select(k => $"{k} is '{settings[k]}': expected a number from 1 to 65535"),
            .. settings.Keys.Except(Required).Except(Optional).Order(StringComparer.Ordinal)
                .Select(k => $"{k} is unknown"),
        ];
        if (wrong.Length > 0)
        {
            throw new InvalidOperationException($"{file}: {string.Join("; ", wrong)}. See hardware/rig/README.md.");
        }

        console = ShellCommand.Start(Uart, "/bin/sh", "-c", settings["uart"]);
    }

    public string Name { get; }

    public UartLog Uart { get; } = new();

    public DnsEndPoint Mqtt => new(
        settings["mqtt_host"], int.Parse(settings["mqtt_port"], CultureInfo.InvariantCulture));

    public TimeSpan BootMax =>
        TimeSpan.FromSeconds(int.Parse(settings["boot_seconds_max"], CultureInfo.InvariantCulture));

    // Without a card switch the board is used as it is.
    public async Task PrepareAsync()
    {
        if (settings.TryGetValue("write_image", out string? write))
        {
            await CutPowerAsync();
            await RunAsync(settings.GetValueOrDefault("card_to_host", "true"));
            await RunAsync(write);
            await RunAsync(settings.GetValueOrDefault("card_to_board", "true"));
        }
    }

    public Task PowerOnAsync() => RunAsync(settings["power_on"]);

    public Task CutPowerAsync() => RunAsync(settings["power_off"]);

    public Task<(int ExitCode, string Output)> VerbAsync(params string[] arguments) => ShellCommand.RunAsync(
        CommandMax, "/bin/sh", "-c", $"{settings["fediot"]} {string.Join(' ', arguments)}");

    public async Task<string> ReadAsync(string file)
    {
        (int exitCode, string output) = await ShellCommand.RunAsync(
            CommandMax, "/bin/sh", "-c", $"{settings["read"]}/{file}");
        Assert.True(exitCode == 0, $"{settings["read"]}/{file} gave {exitCode}: {output}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        if (!console.HasExited)
        {
            console.Kill(entireProcessTree: true);
            await console.WaitForExitAsync();
        }

        console.Dispose();
    }

    private static async Task RunAsync(string command)
    {
        (int exitCode, string output) = await ShellCommand.RunAsync(CommandMax, "/bin/sh", "-c", command);
        Assert.True(exitCode == 0, $"'{command}' gave {exitCode}: {output}");
    }
}
