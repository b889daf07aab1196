using System.CommandLine;
using System.Net;
using System.Text;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Node;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// The verb <c>fediot init</c>: keys, configuration and public part of one gateway. May be repeated: what exists
/// stays, a key above all.
/// </summary>
internal static class InitCommand
{
    private const string ConfigurationName = "gateway.toml";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly Option<string> Folder = Text("--folder", "DIR", "Folder to make or to complete", null);
    private static readonly Option<string> ChainId = Text("--chain-id", "ID", "Name of the chain", "fediot");
    private static readonly Option<string> Listen =
        Text("--listen", "ADDRESS", "Where other gateways connect", "0.0.0.0:7400");

    private static readonly Option<string> Mqtt = Text("--mqtt", "ADDRESS", "Where devices connect", "0.0.0.0:1883");

    private static readonly Option<string?> NodeKey = new("--node-key")
    {
        Description = "An existing key in a token or chip, as of 'fediot keys create'; relative paths in it start at "
            + "DIR. Default: a new key file",
        HelpName = "SIGNER",
    };

    private static readonly Option<string?> Address = new("--address")
    {
        Description = "host:port under which other gateways reach this one. Default: this machine's name",
        HelpName = "HOST:PORT",
    };

    public static Command Create()
    {
        Folder.Required = true;
        var command = new Command(
            "init",
            """
            Makes keys, a commented gateway.toml and gateway.pub.toml. What exists stays as it is.

            Examples:
              fediot init --folder gateway-1 --chain-id plant-7 --address gateway-1.lan:7400
              fediot init --folder gateway-2 --node-key "pkcs11:module=/usr/lib/softhsm/libsofthsm2.so;token=fediot;
                key=node;pin-file=pin"
            """)
        {
            Folder, ChainId, Listen, Mqtt, NodeKey, Address, VerbAnswer.Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static Option<string> Text(string name, string help, string description, string? value)
    {
        var option = new Option<string>(name) { Description = description, HelpName = help };
        if (value is not null)
        {
            option.DefaultValueFactory = _ => value;
        }

        return option;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string folder = Path.GetFullPath(parsed.GetRequiredValue(Folder));
        string chainId = parsed.GetRequiredValue(ChainId);
        IPEndPoint listen = ReadEndPoint(parsed, Listen);
        IPEndPoint mqtt = ReadEndPoint(parsed, Mqtt);
        if (!TransactionCodec.IsValidChainId(chainId))
        {
            throw new InputException($"--chain-id is '{chainId}': expected 1 to 32 characters of a-z, 0-9 and '-'");
        }

        string address = parsed.GetValue(Address) ?? DefaultAddress(listen);
        if (!PeerAddress.TrySplit(address, out _, out _))
        {
            throw new InputException($"--address is '{address}': expected host:port, such as gateway-1.lan:7400");
        }

        string nodeKey = parsed.GetValue(NodeKey) ?? GatewayTemplate.NodeKeyFile;
        if (!SignerAddress.TryParse(nodeKey, folder, out _, out string problem))
        {
            throw new InputException($"--node-key: {problem}");
        }

        CreateFolder(folder);
        CreateFolder(Path.Combine(folder, "keys"));
        string file = Path.Combine(folder, ConfigurationName);
        bool isNew = !File.Exists(file);
        if (isNew)
        {
            Write(file, GatewayTemplate.Fill(chainId, listen.ToString(), mqtt.ToString(), nodeKey));
        }

        GatewayConfiguration configuration = ReadConfiguration(file, parsed, nodeKey);
        PublicPart made = MakeKeys(folder, configuration, isNew, address, parsed.GetValue(Address) is not null);
        string publicFile = Path.Combine(folder, PublicPart.FileName);
        await VerbAnswer.WriteAsync(
            parsed, "init",
            $"""
            {(isNew ? "made" : "kept")}     {file}
            account  {made.Key.Account}
            public   {publicFile}
            next     {Next(configuration, made, publicFile)}
            """,
            new("configuration", file), new("isNew", isNew), new("chainId", made.ChainId),
            new("account", made.Key.Account.ToString()), new("publicPart", publicFile)).ConfigureAwait(false);
        return ExitCode.Success;
    }

    private static string Next(GatewayConfiguration configuration, PublicPart made, string publicFile) =>
        File.Exists(configuration.Genesis.Path)
            ? $"fediot check {configuration.File}"
            : $"fediot chain genesis --chain-id {made.ChainId} --out {configuration.Genesis.Path} {publicFile}\n"
                + $"         several gateways: name every {PublicPart.FileName}, and add --peers peers.toml";

    private static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly);
        }
    }

    private static PublicPart MakeKeys(
        string folder, GatewayConfiguration configuration, bool isNew, string address, bool isAddressGiven)
    {
        string publicFile = Path.Combine(folder, PublicPart.FileName);
        try
        {
            using NodeKeys keys = NodeKeys.OpenOrCreate(
                configuration.NodeKey.Address, configuration.TrainingKey.Address, TimeProvider.System);
            var part = new PublicPart(configuration.ChainId, keys.Node.PublicKey, address);
            if (File.Exists(publicFile) && !isAddressGiven)
            {
                part = part with { Address = PublicPart.Read(publicFile).Address };
            }

            Prepare(configuration, keys.Node);
            Write(publicFile, part.ToText());
            return part;
        }
        catch (SignerException e)
        {
            if (isNew)
            {
                File.Delete(configuration.File); // nothing was made that a corrected command would have to respect
            }

            throw new RunFailedException(e.Message, e);
        }
    }

    // What a key in hardware needs in the state folder: its public half, and the tie to its chip's counter. The tie is
    // made once, with the gateway: a state folder that lost it may be an old copy.
    private static void Prepare(GatewayConfiguration configuration, ISigner node)
    {
        if (!configuration.NodeKey.Address.IsHardware)
        {
            return;
        }

        string chain = Path.Combine(configuration.StateFolder, "chain");
        CreateFolder(configuration.StateFolder);
        CreateFolder(chain);
        new KnownKeys(configuration.StateFolder).Remember(configuration.NodeKey.Address, node.PublicKey);
        AccountId key = node.PublicKey.Account;
        if (node is ICountedSigner { Counter: { } counter } && !File.Exists(VotingKey.CounterFile(chain, key))
            && !Directory.Exists(Path.Combine(chain, VotingKey.MemoryFolder)))
        {
            VotingKey.Tie(chain, key, counter);
        }
    }

    private static GatewayConfiguration ReadConfiguration(string file, ParseResult parsed, string nodeKey)
    {
        GatewayConfiguration known = GatewayConfigurationReader.Read(file);
        if (parsed.GetResult(ChainId) is { Implicit: false } && parsed.GetValue(ChainId) != known.ChainId)
        {
            throw new InputException(
                $"{file} is of chain '{known.ChainId}'; choose another --folder for another chain");
        }

        RefuseChange(file, parsed, Listen, "[node] listen", known.Listen);
        RefuseChange(file, parsed, Mqtt, "[mqtt] listen", known.MqttListen);
        if (parsed.GetValue(NodeKey) is not null && nodeKey != known.NodeKey.Address.ToString())
        {
            throw new InputException(
                $"{file} names the node key {known.NodeKey.Address}; change [keys] node there, or choose another "
                + "--folder: another key is another gateway");
        }

        return known;
    }

    // What exists stays; an option that it contradicts would be lost without a word.
    private static void RefuseChange(
        string file, ParseResult parsed, Option<string> option, string key, IPEndPoint known)
    {
        if (parsed.GetResult(option) is { Implicit: false } && !ReadEndPoint(parsed, option).Equals(known))
        {
            throw new InputException(
                $"{file} exists and {key} is \"{known}\"; change it there, or leave {option.Name} out");
        }
    }

    private static IPEndPoint ReadEndPoint(ParseResult parsed, Option<string> option)
    {
        string text = parsed.GetRequiredValue(option);
        return PeerAddress.TrySplit(text, out string host, out int port)
            && IPAddress.TryParse(host, out IPAddress? address)
            ? new IPEndPoint(address, port)
            : throw new InputException(
                $"{option.Name} is '{text}': expected an IP address and a port, such as 0.0.0.0:7400");
    }

    private static string DefaultAddress(IPEndPoint listen)
    {
        bool isAny = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any);
        return isAny ? $"{Dns.GetHostName().ToLowerInvariant()}:{listen.Port}" : listen.ToString();
    }

    private static void Write(string path, string text) => DurableFile.Replace(path, Encoding.UTF8.GetBytes(text));
}
