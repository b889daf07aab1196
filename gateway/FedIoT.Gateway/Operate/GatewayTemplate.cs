namespace FedIoT.Gateway.Operate;

/// <summary>The commented <c>gateway.toml</c> that <c>fediot init</c> writes.</summary>
internal static class GatewayTemplate
{
    /// <summary>Where the node key is when nothing else is asked for.</summary>
    public const string NodeKeyFile = "file:keys/node.key";

    /// <summary>Fills the template in.</summary>
    public static string Fill(
        string chainId, string listen, string mqttListen, string nodeKey = NodeKeyFile) =>
        $"""
        # Configuration of one FedIoT gateway. Check it with: fediot check gateway.toml
        # Relative paths start at this file's folder. Unknown keys are errors. Secrets are named, never written here.

        [node]
        state_folder = "state"                # everything that changes; one process at a time
        listen = "{listen}"               # other gateways connect here
        admin_socket = "state/admin.sock"     # 'fediot status' and the others; owner and group may use it

        [chain]
        id = "{chainId}"
        genesis_file = "genesis.cbor"         # made by 'fediot chain genesis', the same on every gateway
        idle_interval_ms = 10000              # an empty block after so long without a transaction
        retention = "archive"                 # or how many of the newest blocks to keep, such as 100000

        [keys]
        node = {Quoted(nodeKey)}           # votes and transactions; its loss is the gateway's loss
        training = "file:keys/training.key"   # model deltas; a token or chip is named the same way (keys.md)

        [mqtt]
        listen = "{mqttListen}"               # devices connect here
        windows_kept = 10000                  # of each device, purpose and label; older ones are deleted

        # What every device of this chain computes from its samples; the same on every gateway.
        [features]
        window_samples = 128
        hop_samples = 64
        sample_interval_ms = 2

        # One table a channel, in the order of the samples. range: full scale, in the unit.
        [[features.channel]]
        name = "ax"
        unit = "g"
        range = 4.0

        [[features.channel]]
        name = "ay"
        unit = "g"
        range = 4.0

        [[features.channel]]
        name = "az"
        unit = "g"
        range = 4.0

        # The other gateways; 'fediot chain genesis --peers FILE' writes these tables. This gateway may be among them.
        # [[chain.peer]]
        # account = "64 hexadecimal digits"
        # address = "gateway-2.lan:7400"

        # What peers may cost; the keys and their ranges are in configuration.md.
        # [peering]
        # followers_max = 64

        # Devices that may connect; 'fediot devices enrol ID' makes a key and adds the table.
        # [[device]]
        # id = "pump-01"
        # key = "file:devices/pump-01.key"
        # trains = true                       # false: its windows are stored, and never trained with

        # The gateway's own board, if it has one; each part is optional. Numbers are GPIO lines, not header pins.
        # [station]
        # led_pin = 17                        # status light
        # tamper_pin = 27                     # lid switch to ground, closed while the lid is
        # join_pin = 22                       # button to ground: devices may join for ten minutes
        # clock_bus = 1                       # I2C bus of a DS3231: the node's time is never below it
        # lock_signing = false                # true: an opened case stops signing until: fediot station clear-alarm

        """;

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
