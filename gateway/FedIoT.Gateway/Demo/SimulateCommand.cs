using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Wire;

namespace FedIoT.Gateway.Demo;

/// <summary>
/// The verb <c>fediot devices simulate</c>: a network is tried out before there is a board. The firmware's own logic
/// sends to the gateway's broker with the device's key, over a real connection; only the samples are not a sensor's.
/// </summary>
internal static class SimulateCommand
{
    // A person waits: seconds, where a board would go on trying.
    private const int AttemptsMax = 3;

    private static readonly Argument<string> Id = new("ID") { Description = "A device that 'devices enrol' made" };

    private static readonly Option<string?> Data = new("--data")
    {
        Description = "Folder of a recording (recording.toml and CSV files) with a device of this name. Default: a "
            + "simulated rotating machine of four states, the same for the same ID",
        HelpName = "DIR",
    };

    public static Command Create()
    {
        Option<string> config = ConfigurationOption.Create();
        var command = new Command(
            "simulate",
            """
            Sends what a device would to a running gateway: a simulated or recorded sensor, the rest is real.
            Exit code 0: every window was stored; 1: not.

            Examples:
              fediot devices simulate pump-01 --config gateway-1/gateway.toml
              fediot devices simulate pump-02 --data recordings/pumps
            """)
        {
            Id, config, Data, VerbAnswer.Json,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            parsed, ConfigurationOption.Find(parsed.GetValue(config)), TimeProvider.System, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed, string file, TimeProvider time, CancellationToken cancellation)
    {
        GatewayConfiguration configuration = GatewayConfigurationReader.Read(file);
        string name = parsed.GetRequiredValue(Id);
        GatewayConfiguration.DeviceEntry entry = configuration.Devices.FirstOrDefault(d => d.Id.Text == name)
            ?? throw new InputException(
                $"{file} has no device '{name}'; add it with: fediot devices enrol {name} --config {file}");
        byte[] key = DeviceKeyFile.Read(entry.Key.Path, out string problem) ?? throw new InputException(problem);
        RecordedDevice recorded = Find(configuration, entry.Id, parsed.GetValue(Data));
        var broker = new DnsEndPoint(AddressOf(configuration.MqttListen).ToString(), configuration.MqttListen.Port);
        await Console.Error.WriteLineAsync($"{name} sends to {broker.Host}:{broker.Port}").ConfigureAwait(false);
        var device = new SimulatedDevice(
            entry.Id, key, BootIdOf(time), configuration.Features, recorded.Train, recorded.Test, broker, time)
        {
            AttemptsMax = AttemptsMax,
        };
        DeviceReport report = await PlayAsync(device, file, cancellation).ConfigureAwait(false);
        await VerbAnswer.WriteAsync(
            parsed, "simulate",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: {report.FramesPublished} windows sent, {report.FramesAcknowledged} stored, "
                + $"{report.FramesRefused} refused, {report.FramesRetried} repeated"),
            new("device", name), new("broker", $"{broker.Host}:{broker.Port}"),
            new("framesPublished", report.FramesPublished), new("framesAcknowledged", report.FramesAcknowledged),
            new("framesRefused", report.FramesRefused), new("framesRetried", report.FramesRetried),
            new("bytesSent", report.BytesSent)).ConfigureAwait(false);
        return report.FramesPublished > 0 && report.FramesAcknowledged == report.FramesPublished
            ? ExitCode.Success : ExitCode.Failure;
    }

    private static async Task<DeviceReport> PlayAsync(
        SimulatedDevice device, string file, CancellationToken cancellation)
    {
        try
        {
            return await device.RunAsync(cancellation).ConfigureAwait(false);
        }
        catch (DeviceConnectionException e)
        {
            throw new RunFailedException(
                $"{e.Message}; does the gateway run, and was it restarted after the enrolment? "
                + $"See: fediot status --config {file}", e);
        }
    }

    private static RecordedDevice Find(GatewayConfiguration configuration, DeviceId id, string? folder)
    {
        Recording recording = Read(id, folder);
        string source = folder ?? "the simulated machine (--data DIR plays a recording)";
        if (recording.ToFeatureSpecification(
            configuration.Features.WindowSamples, configuration.Features.HopSamples).Tag != configuration.Features.Tag)
        {
            string channels = string.Join(
                ", ", recording.Channels.Select(c => $"{c.Name} in {c.Unit} to {c.RangeMillionths / 1e6}"));
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"{configuration.File}: [features] are not those of {source}: sample_interval_ms = "
                + $"{recording.SampleIntervalMs}, channels {channels}"));
        }

        return recording.Devices.FirstOrDefault(d => folder is null || d.Id == id)
            ?? throw new InputException(
                $"{folder}: there is no device '{id}' in {RecordingReader.ManifestName}; it has "
                + string.Join(", ", recording.Devices.Select(d => d.Id)));
    }

    // Another machine for each name, the same one each time.
    private static Recording Read(DeviceId id, string? folder)
    {
        if (folder is null)
        {
            ulong seed = BinaryPrimitives.ReadUInt64BigEndian(Hash256.Of(Encoding.ASCII.GetBytes(id.Text)).ToArray());
            return RotatingMachines.Create(seed, trainDevices: 1, testDevices: 1);
        }

        try
        {
            return RecordingReader.Read(folder);
        }
        catch (RecordingException e)
        {
            throw new InputException($"{folder}: {e.Message}", e);
        }
    }

    private static IPAddress AddressOf(IPEndPoint listen) =>
        listen.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
        : listen.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
        : listen.Address;

    // Greater at each run, as a board's number is at each boot; two runs are a second apart at least.
    private static uint BootIdOf(TimeProvider time) => checked((uint)time.GetUtcNow().ToUnixTimeSeconds());
}
