using System.CommandLine;
using System.Globalization;
using System.Text;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Ledger;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot chain genesis</c>: a chain's first state from its gateways' public parts.</summary>
internal static class GenesisCommand
{
    private const int GenesisBytesMax = 1 << 20;

    private static readonly Argument<string[]> Parts = new("PUB")
    {
        Description = "The gateway.pub.toml of every gateway",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string> ChainId = new("--chain-id")
    {
        Description = "Name of the chain; every public part must name the same",
        HelpName = "ID",
        Required = true,
    };

    private static readonly Option<string> Out = new("--out")
    {
        Description = "File to write",
        HelpName = "FILE",
        DefaultValueFactory = _ => "genesis.cbor",
    };

    private static readonly Option<string?> Peers = new("--peers")
    {
        Description = "Also write the [[chain.peer]] tables of all gateways; append them to every gateway.toml",
        HelpName = "FILE",
    };

    private static readonly Option<string[]> Powers = new("--power")
    {
        Description = "Voting power of a gateway, PUB=N; 1 without it. May be repeated",
        HelpName = "PUB=N",
    };

    private static readonly Option<string[]> Administrators = new("--administrator")
    {
        Description = "A PUB that may create tasks and admit gateways. May be repeated. Default: the first PUB",
        HelpName = "PUB",
    };

    public static Command Create()
    {
        var command = new Command(
            "genesis",
            """
            Assembles a chain's genesis. Copy the file to every gateway and compare the hash there.

            Example:
              fediot chain genesis --chain-id plant-7 --peers peers.toml gateway-?/gateway.pub.toml
            """)
        {
            Parts, ChainId, Out, Peers, Powers, Administrators, VerbAnswer.Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string[] paths = parsed.GetRequiredValue(Parts);
        string chainId = parsed.GetRequiredValue(ChainId);
        PublicPart[] parts = [.. paths.Select(PublicPart.Read)];
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i].ChainId != chainId)
            {
                throw new InputException($"{paths[i]} is for chain '{parts[i].ChainId}', --chain-id is '{chainId}'");
            }

            int first = Array.FindIndex(parts, p => p.Key.Equals(parts[i].Key));
            if (first < i)
            {
                throw new InputException(
                    $"{paths[first]} and {paths[i]} have one node key, of account {parts[i].Key.Account}; give each "
                    + "gateway's file once, and each gateway a key of its own");
            }
        }

        long[] powers = ReadPowers(parsed.GetValue(Powers) ?? [], paths);
        string[] administrators = parsed.GetValue(Administrators) is { Length: > 0 } given ? given : [paths[0]];
        Genesis genesis = Build(
            chainId, parts, powers, administrators.Select(a => parts[IndexOf("--administrator", a, paths)]));
        WriteOnce(parsed.GetRequiredValue(Out), genesis.Encode());
        if (parsed.GetValue(Peers) is { } peers)
        {
            DurableFile.Replace(
                peers, Encoding.UTF8.GetBytes(string.Join('\n', parts.Select(p => p.ToPeerTable()))));
        }

        await VerbAnswer.WriteAsync(
            parsed, "genesis", $"{genesis.Hash}  {parsed.GetRequiredValue(Out)}",
            new("chainId", chainId), new("genesisHash", genesis.Hash.ToString()),
            new("file", parsed.GetRequiredValue(Out)), new("gateways", parts.Length)).ConfigureAwait(false);
        return ExitCode.Success;
    }

    private static Genesis Build(
        string chainId, PublicPart[] parts, long[] powers, IEnumerable<PublicPart> administrators)
    {
        try
        {
            return new Genesis(
                chainId, parts.Select((p, i) => new GenesisValidator(p.Key, powers[i])), parts.Select(p => p.Key),
                administrators.Select(p => p.Key));
        }
        catch (ArgumentException e)
        {
            throw new InputException(e.Message, e);
        }
    }

    private static long[] ReadPowers(string[] texts, string[] paths)
    {
        long[] powers = [.. paths.Select(_ => 1L)];
        foreach (string text in texts)
        {
            int equals = text.LastIndexOf('=');
            if (equals < 1 || !long.TryParse(
                text[(equals + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long power)
                || power is < 1 or > Genesis.PowerMax)
            {
                throw new InputException($"--power is '{text}': expected PUB=N with N from 1 to {Genesis.PowerMax}");
            }

            powers[IndexOf("--power", text[..equals], paths)] = power;
        }

        return powers;
    }

    private static int IndexOf(string option, string path, string[] paths)
    {
        int index = Array.FindIndex(paths, p => Path.GetFullPath(p) == Path.GetFullPath(path));
        return index >= 0 ? index : throw new InputException($"{option} names {path}, which is not among the PUBs");
    }

    // A genesis that gateways started from is never replaced by another one.
    private static void WriteOnce(string path, byte[] bytes)
    {
        byte[]? present = DurableFile.ReadAllBytesBounded(path, GenesisBytesMax);
        if (present is null)
        {
            DurableFile.Replace(path, bytes);
        }
        else if (!present.AsSpan().SequenceEqual(bytes))
        {
            throw new InputException($"{path} exists and is another genesis; choose another --out, or remove it");
        }
    }
}
