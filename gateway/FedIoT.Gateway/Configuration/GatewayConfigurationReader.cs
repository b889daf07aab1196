using System.Net;
using System.Text;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Gateway.Cli;
using FedIoT.Signing;
using FedIoT.Storage.Features;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Configuration;

/// <summary>Binds <c>gateway.toml</c> once to a <see cref="GatewayConfiguration"/>, or says what is wrong.</summary>
internal static class GatewayConfigurationReader
{
    /// <summary>Longest configuration file, in bytes.</summary>
    public const int BytesMax = 4 << 20;

    /// <summary>Most devices of a gateway.</summary>
    public const int DevicesMax = 10_000;

    private const long RetainedMax = 1_000_000_000_000;

    // sun_path has 108 bytes on Linux, the last one is zero.
    private const int SocketPathBytesMax = 107;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It is missing or wrong; the message lists every problem.</exception>
    public static GatewayConfiguration Read(string path)
    {
        var problems = new ProblemList();
        GatewayConfiguration? read = Parse(ReadText(path), path, problems);
        problems.ThrowIfAny(path);
        return read!;
    }

    /// <summary>Reads a whole text file of at most <see cref="BytesMax"/> bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="origin">Where such a file comes from, for the message when it is missing.</param>
    /// <exception cref="InputException">It is missing, too long or not UTF-8.</exception>
    public static string ReadText(
        string path, string origin = "'fediot init --folder DIR' makes a gateway.toml")
    {
        try
        {
            byte[] bytes = DurableFile.ReadAllBytesBounded(path, BytesMax)
                ?? throw new InputException($"there is no file {path}; {origin}");
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (StorageException e)
        {
            throw new InputException(e.Message, e); // names the file
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{path}: not a text file in UTF-8", e);
        }
    }

    /// <summary>Binds a text; null when there are problems.</summary>
    public static GatewayConfiguration? Parse(string text, string name, ProblemList problems)
    {
        if (TomlFile.Parse(text, name, problems) is not { } file)
        {
            return null;
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(name))!;
        TomlTable node = file.Table("node");
        TomlTable chain = file.Table("chain");
        TomlTable keys = file.Table("keys");
        string state = FullPath(folder, node.Text("state_folder", "state"));
        IPEndPoint listen = node.EndPoint("listen", "0.0.0.0:7400");
        string socket = ReadSocket(node, folder);
        string chainId = chain.Text("id", "plant-7");
        if (chain.Has("id") && !TransactionCodec.IsValidChainId(chainId))
        {
            chain.Refuse("id", $"1 to {TransactionCodec.ChainIdLengthMax} characters of a-z, 0-9 and '-'");
        }

        FileReference genesis = new("genesis", FullPath(folder, chain.Text("genesis_file", "genesis.cbor")),
            chain.PlaceOf("genesis_file"));
        var idle = TimeSpan.FromMilliseconds(chain.Integer("idle_interval_ms", 100, 3_600_000, fallback: 10_000));
        long? retained = chain.CountOrWord("retention", "archive", BlockRetention.RetainedMin, RetainedMax);
        TrustedBlock? trusted = ReadTrusted(chain);
        int interval = (int)chain.Integer(
            "snapshot_interval_blocks", 10, 1_000_000, SnapshotWriter.IntervalBlocksDefault);
        int kept = (int)chain.Integer("snapshots_kept", 2, 100, SnapshotStore.KeptDefault);
        List<PeerAddress> peers = ReadPeers(file, problems);
        Chain.Peering.PeerLimits limits = PeerLimitTable.Read(file.Table("peering", isRequired: false));
        KeyReference nodeKey = ReadKey(keys, "node", folder, problems);
        KeyReference? nextNodeKey = keys.Has("next_node") ? ReadKey(keys, "next_node", folder, problems) : null;
        KeyReference trainingKey = ReadKey(keys, "training", folder, problems);
        int trainingRounds = (int)keys.Integer(
            "training_rounds", 0, 1_000_000, fallback: Training.TrainingKeys.RoundsDefault);
        (IPEndPoint mqttListen, int windowsKept) = ReadMqtt(file, node.Has("listen") ? listen : null);
        FeatureSpecification? features = FeatureTables.Read(file, problems);
        List<GatewayConfiguration.DeviceEntry> devices = ReadDevices(file, folder, problems);
        StationSettings station = StationTable.Read(file);
        file.RefuseUnknown();
        return !problems.IsEmpty ? null : new GatewayConfiguration
        {
            File = name,
            StateFolder = state,
            Listen = listen,
            AdminSocket = socket,
            ChainId = chainId,
            Genesis = genesis,
            IdleInterval = idle,
            RetainedBlocks = retained,
            Trusted = trusted,
            SnapshotIntervalBlocks = interval,
            SnapshotsKept = kept,
            Peers = peers,
            PeerLimits = limits,
            NodeKey = nodeKey,
            NextNodeKey = nextNodeKey,
            TrainingKeyRounds = trainingRounds,
            TrainingKey = trainingKey,
            MqttListen = mqttListen,
            WindowsKept = windowsKept,
            Features = features!,
            Devices = devices,
            Station = station,
        };
    }

    private static (IPEndPoint Listen, int WindowsKept) ReadMqtt(TomlFile file, IPEndPoint? taken)
    {
        TomlTable mqtt = file.Table("mqtt");
        IPEndPoint listen = mqtt.EndPoint("listen", "0.0.0.0:1883");
        if (listen.Equals(taken))
        {
            mqtt.Refuse("listen", "another port than [node] listen");
        }

        return (
            listen,
            (int)mqtt.Integer(
                "windows_kept", FeatureStore.WindowsKeptMin, 1_000_000, FeatureStore.WindowsKeptDefault));
    }

    private static TrustedBlock? ReadTrusted(TomlTable chain)
    {
        const string Example = "120000:6b9b...";
        if (!chain.Has("trusted"))
        {
            return null;
        }

        string text = chain.Text("trusted", Example);
        if (!TrustedBlock.TryParse(text, out TrustedBlock? trusted) && text != Example)
        {
            chain.Refuse("trusted", "HEIGHT:HASH, as 'fediot chain status' of a gateway that you trust shows them");
        }

        return trusted;
    }

    private static string FullPath(string folder, string path) => Path.GetFullPath(Path.Combine(folder, path));

    private static string ReadSocket(TomlTable node, string folder)
    {
        string socket = FullPath(folder, node.Text("admin_socket", "admin.sock"));
        if (Encoding.UTF8.GetByteCount(socket) > SocketPathBytesMax)
        {
            node.Refuse(
                "admin_socket", $"a path of at most {SocketPathBytesMax} bytes; the full path is {socket}");
        }

        return socket;
    }

    // A key is named, never written down here, and neither is its PIN. A wrong value is not repeated: it may be one.
    private static KeyReference ReadKey(TomlTable table, string key, string folder, ProblemList problems)
    {
        string example = $"file:keys/{key}.key";
        string text = table.Text(key, example);
        if (!SignerAddress.TryParse(text, folder, out SignerAddress? address, out string problem) && table.Has(key))
        {
            problems.Add(
                table.PlaceOf(key), $"{table.Title} {key} is no address of a key such as \"{example}\": {problem}; "
                + "a secret never stands in this file");
        }

        return new KeyReference(address ?? SignerAddress.OfFile("x"), table.PlaceOf(key));
    }

    // A device's key is a file of its own.
    private static FileReference Reference(TomlTable table, string key, string folder)
    {
        string example = $"file:keys/{key}.key";
        string text = table.Text(key, example);
        if (!text.StartsWith("file:", StringComparison.Ordinal) || text.Length == 5)
        {
            table.Refuse(key, $"a reference such as \"{example}\"; a secret never stands in this file");
        }

        string path = text.Length > 5 ? text[5..] : "x";
        return new FileReference(text, FullPath(folder, path), table.PlaceOf(key));
    }

    private static List<PeerAddress> ReadPeers(TomlFile file, ProblemList problems)
    {
        var peers = new List<PeerAddress>();
        foreach (TomlTable table in file.Tables("chain.peer"))
        {
            string accountText = table.Text("account", "64 hexadecimal digits", lengthMax: 64);
            if (!Hash256.TryParse(accountText, out Hash256 account) && table.Has("account"))
            {
                table.Refuse("account", "the 64 hexadecimal digits of a gateway.pub.toml");
            }

            string addressText = table.Text("address", "gateway-2.lan:7400");
            if (!PeerAddress.TrySplit(addressText, out string host, out int port))
            {
                table.Refuse("address", "host:port, such as \"gateway-2.lan:7400\" or \"[fd00::2]:7400\"");
            }

            if (peers.Exists(p => p.Account.Value == account) && table.Has("account"))
            {
                problems.Add(table.PlaceOf("account"), $"account {account} stands in two [[chain.peer]]; keep one");
            }

            peers.Add(new PeerAddress(new AccountId(account), host, port, table.PlaceOf("address")));
        }

        return peers;
    }

    private static List<GatewayConfiguration.DeviceEntry> ReadDevices(
        TomlFile file, string folder, ProblemList problems)
    {
        var devices = new List<GatewayConfiguration.DeviceEntry>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (TomlTable table in file.Tables("device"))
        {
            string id = table.Text("id", "pump-01");
            if (!DeviceId.IsValid(id))
            {
                table.Refuse("id", $"1 to {DeviceId.LengthMax} characters of a-z, 0-9 and '-'");
            }
            else if (!known.Add(id) && table.Has("id"))
            {
                problems.Add(table.PlaceOf("id"), $"device '{id}' stands twice; keep one [[device]]");
            }

            FileReference key = Reference(table, "key", folder);
            bool trains = table.Flag("trains", fallback: true);
            devices.Add(new GatewayConfiguration.DeviceEntry(
                DeviceId.TryParse(id, out DeviceId parsed) ? parsed : new DeviceId("x"), key, trains));
        }

        if (devices.Count > DevicesMax)
        {
            problems.Add(new TextPlace(file.Name, 0, 0), $"{devices.Count} devices: expected at most {DevicesMax}");
        }

        return devices;
    }
}
