using System.CommandLine;
using System.Globalization;
using System.Text;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Demo;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Operate;

/// <summary>The verbs <c>fediot devices ...</c>.</summary>
internal static class DevicesCommand
{
    private static readonly Option<bool> Board = new("--board")
    {
        Description = "Also writes devices/ID.conf, the device.conf of the sensor board of firmware/README.md",
    };

    public static Command Create()
    {
        var id = new Argument<string>("ID")
        {
            Description = $"Name of the device: 1 to {DeviceId.LengthMax} characters of a-z, 0-9 and '-'",
        };
        Option<string> config = ConfigurationOption.Create();
        var keyFile = new Option<string?>("--key-file")
        {
            Description = "The device's own key, as 64 hexadecimal digits. Default: a new key is made",
            HelpName = "FILE",
        };
        var enrol = new Command(
            "enrol",
            """
            Makes a device's key, adds the device to the configuration and prints what to flash. May be repeated.
            A running gateway with a join button must have its window open: press the button for a second. With
            --key-file the device keeps its key: it must have connected in the window, which proves that it has it.

            Examples:
              fediot devices enrol pump-01
              fediot devices enrol pump-02 --key-file label.key
              fediot devices enrol pump-03 --board
            """)
        {
            id, config, keyFile, Board, VerbAnswer.Json,
        };
        enrol.SetAction(async (parsed, cancellation) =>
        {
            string file = ConfigurationOption.Find(parsed.GetValue(config));
            await EnrolAsync(parsed, file, parsed.GetRequiredValue(id), parsed.GetValue(keyFile), cancellation)
                .ConfigureAwait(false);
            return ExitCode.Success;
        });
        return new Command("devices", "The sensor devices of this gateway") { enrol, SimulateCommand.Create() };
    }

    private static async Task EnrolAsync(
        ParseResult parsed, string file, string name, string? givenKeyFile, CancellationToken cancellation)
    {
        if (!DeviceId.TryParse(name, out DeviceId id))
        {
            throw new InputException(
                $"'{name}' is no device id: expected 1 to {DeviceId.LengthMax} characters of a-z, 0-9 and '-'");
        }

        GatewayConfiguration configuration = GatewayConfigurationReader.Read(file);
        GatewayConfiguration.DeviceEntry? known = configuration.Devices.FirstOrDefault(d => d.Id == id);
        string keyFile = known?.Key.Path ?? Path.Combine(configuration.Folder, "devices", $"{id}.key");
        byte[]? given = givenKeyFile is null ? null
            : DeviceKeyFile.Read(givenKeyFile, out string unusable) ?? throw new InputException(unusable);
        if (given is not null && File.Exists(keyFile))
        {
            throw new InputException($"{keyFile} is there already; remove it to give '{id}' another key");
        }

        if (parsed.GetValue(Board))
        {
            BoardFile.Require(configuration);
        }

        if (known is null)
        {
            await EnrolmentWindow.RequireAsync(configuration, id.Text, given, cancellation).ConfigureAwait(false);
        }

        bool isNewKey = DeviceKeyFile.TryCreate(keyFile, given);
        byte[] key = DeviceKeyFile.Read(keyFile, out string problem) ?? throw new InputException(problem);
        bool isNewBoard = parsed.GetValue(Board) && BoardFile.TryWrite(configuration, id.Text, keyFile, key);
        string board = !parsed.GetValue(Board) ? "not asked for: --board"
            : $"{BoardFile.PathOf(keyFile)} ({(isNewBoard ? "new" : "kept")}; secret; fill in the wireless network)";

        if (known is null)
        {
            string text = GatewayConfigurationReader.ReadText(file).TrimEnd('\n')
                + $"\n\n[[device]]\nid = \"{id}\"\nkey = \"file:devices/{id}.key\"\n";
            DurableFile.Replace(file, Encoding.UTF8.GetBytes(text));
        }

        // The key itself stays off the terminal and out of its history.
        string change = known is null ? "device added" : "unchanged";
        string features = Describe(configuration.Features);
        await VerbAnswer.WriteAsync(
            parsed, "enrol",
            $"""
            device         {id}
            key file       {keyFile} ({(isNewKey ? "new" : "kept")}; 64 hexadecimal digits, secret)
            broker         MQTT 5, port {configuration.MqttListen.Port} of this gateway
            client id      {id}
            user name      {id}
            features       {features}
            board file     {board}
            configuration  {file} ({change}); restart the gateway to let it in
            """,
            new("device", id.ToString()), new("keyFile", keyFile), new("isNewKey", isNewKey),
            new("mqttPort", configuration.MqttListen.Port), new("features", features),
            new("featureTag", $"{configuration.Features.Tag:x8}"),
            new("boardFile", parsed.GetValue(Board) ? BoardFile.PathOf(keyFile) : null), new("configuration", file),
            new("change", change)).ConfigureAwait(false);
    }

    private static string Describe(FeatureSpecification features) => string.Create(
        CultureInfo.InvariantCulture,
        $"{features.WindowSamples} samples, hop {features.HopSamples}, every {features.SampleIntervalMs} ms, "
        + $"tag {features.Tag:x8}");
}
