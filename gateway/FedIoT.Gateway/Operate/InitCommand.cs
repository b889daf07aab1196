using System.CommandLine;
using System.Net;
using System.Text;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Node;
using FedIoT.Storage.Files;
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

            Example:
              fediot init --folder gateway-1 --chain-id plant-7 --address gateway-1.lan:7400
            """)
        {
            Folder, ChainId, Listen, Mqtt, Address,
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

        CreateFolder(folder);
        string configuration = Path.Combine(folder, ConfigurationName);
        bool isNew = !File.Exists(configuration);
        if (isNew)
        {
            Write(configuration, GatewayTemplate.Fill(chainId, listen.ToString(), mqtt.ToString()));
        }
        else
        {
            chainId = ReadChainId(configuration, parsed);
        }

        VerifyingKeyAndFile made = MakeKeys(folder, chainId, address, parsed.GetValue(Address) is not null);
        await Console.Out.WriteLineAsync(
            $"""
            {(isNew ? "made" : "kept")}     {configuration}
            account  {made.Account}
            public   {made.PublicFile}
            next     give {PublicPart.FileName} of every gateway to: fediot chain genesis --chain-id {chainId}
            """).ConfigureAwait(false);
        return ExitCode.Success;
    }

    private static void CreateFolder(string folder)
    {
        foreach (string path in new[] { folder, Path.Combine(folder, "keys") })
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
    }

    private static VerifyingKeyAndFile MakeKeys(string folder, string chainId, string address, bool isAddressGiven)
    {
        string publicFile = Path.Combine(folder, PublicPart.FileName);
        try
        {
            using NodeKeys keys = NodeKeys.OpenOrCreate(Path.Combine(folder, "keys"));
            var part = new PublicPart(chainId, keys.Node.PublicKey, address);
            if (File.Exists(publicFile) && !isAddressGiven)
            {
                part = part with { Address = PublicPart.Read(publicFile).Address };
            }

            Write(publicFile, part.ToText());
            return new VerifyingKeyAndFile(keys.Node.PublicKey.Account.ToString(), publicFile);
        }
        catch (SignerException e)
        {
            throw new RunFailedException(e.Message, e);
        }
    }

    private static string ReadChainId(string configuration, ParseResult parsed)
    {
        string known = GatewayConfigurationReader.Read(configuration).ChainId;
        return parsed.GetResult(ChainId) is { Implicit: false } && parsed.GetValue(ChainId) != known
            ? throw new InputException(
                $"{configuration} is of chain '{known}'; choose another --folder for another chain")
            : known;
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

    private sealed record VerifyingKeyAndFile(string Account, string PublicFile);
}
