using System.CommandLine;
using FedIoT.Gateway.Cli;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>Help of every verb, and what a wrong command line is told.</summary>
public sealed class HelpTests
{
    [Fact]
    public void EveryVerb_HasASummaryOfOneLine_AnExample_AndDescribedSymbols()
    {
        foreach ((string path, Command verb) in Verbs("fediot", GatewayCommands.CreateRoot()))
        {
            string description = verb.Description ?? string.Empty;
            string[] lines = description.ReplaceLineEndings("\n").Split('\n');
            Assert.False(string.IsNullOrWhiteSpace(lines[0]), $"{path} has no summary");
            Assert.True(
                lines.Length == 1 || lines[1].Length == 0 || lines[0].EndsWith('.'),
                $"a list of verbs shows the first line of '{path}' alone, which is no whole sentence: {lines[0]}");
            Assert.True(
                verb.Subcommands.Count > 0 || description.Contains($"  {path}", StringComparison.Ordinal),
                $"the help of '{path}' has no example of it");
            Assert.True(
                verb.Subcommands.Count > 0 || verb.Name == "run" || verb.Options.Any(o => o.Name == "--json"),
                $"'{path}' has no --json");
            Assert.All(
                verb.Options.Cast<Symbol>().Concat(verb.Arguments).Where(s => !s.Hidden),
                s => Assert.False(string.IsNullOrWhiteSpace(s.Description), $"{path}: {s.Name} is not described"));
        }
    }

    [Fact]
    public async Task Help_OfAGroup_ListsItsVerbsInOneLineEach()
    {
        (int exitCode, string output, _) = await GatewayProcess.RunVerbAsync("--help");
        Assert.Equal(0, exitCode);
        string list = output[output.IndexOf("Commands:", StringComparison.Ordinal)..];
        Assert.DoesNotContain("Example", list, StringComparison.Ordinal);
        Assert.Contains("fediot init", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongCommandLine_IsSentToTheHelpOfItsVerb()
    {
        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync("chain", "block", "many");
        Assert.Equal(2, exitCode);
        Assert.Contains("Try: fediot chain block --help", error, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Path, Command Verb)> Verbs(string path, Command command) =>
        command.Subcommands.SelectMany(c => Verbs($"{path} {c.Name}", c)).Prepend((path, command));
}
