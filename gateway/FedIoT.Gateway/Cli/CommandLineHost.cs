using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Gateway.Operate;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Cli;

/// <summary>Parses, runs and turns what went wrong into one line on standard error and an exit code.</summary>
public static class CommandLineHost
{
    // A gateway stops within 5 s; what takes longer is ended.
    private static readonly TimeSpan TerminationMax = TimeSpan.FromSeconds(8);

    /// <summary>Runs a command line.</summary>
    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(root);
        ParseResult parsed = root.Parse(arguments);
        Command asked = parsed.CommandResult.Command;
        HelpText.ShortenVerbsOf(asked);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"fediot: {InWords(error.Message)}").ConfigureAwait(false);
            }

            await Console.Error.WriteLineAsync($"Try: fediot {PathOf(parsed.CommandResult)}--help")
                .ConfigureAwait(false);
            return ExitCode.BadInput;
        }

        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TerminationMax,
        };
        try
        {
            CoreDumps.Forbid(); // any verb may hold a key, a PIN or a passphrase
            return await parsed.InvokeAsync(configuration).ConfigureAwait(false);
        }
        catch (InputException e)
        {
            await Console.Error.WriteLineAsync($"fediot: {e.Message}").ConfigureAwait(false);
            return ExitCode.BadInput;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("fediot: stopped").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
        catch (Exception e) when (
            e is RunFailedException or StorageException or IOException or UnauthorizedAccessException
                or SocketException or SignerException)
        {
            await Console.Error.WriteLineAsync($"fediot: {e.Message}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
    }

    // "chain block ", with a space at the end; empty for the root.
    private static string PathOf(CommandResult verb) =>
        verb.Parent is CommandResult parent ? $"{PathOf(parent)}{verb.Command.Name} " : string.Empty;

    // The parser names .NET types where a person expects a kind of value.
    private static string InWords(string message) => message
        .Replace("expected type 'System.Nullable`1[System.Int32]'", "a whole number", StringComparison.Ordinal)
        .Replace("expected type 'System.Nullable`1[System.Int64]'", "a whole number", StringComparison.Ordinal)
        .Replace("expected type 'System.Int32'", "a whole number", StringComparison.Ordinal)
        .Replace("expected type 'System.Int64'", "a whole number", StringComparison.Ordinal)
        .Replace("expected type 'System.UInt64'", "a whole number from 0", StringComparison.Ordinal);
}
