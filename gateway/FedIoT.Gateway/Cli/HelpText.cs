using System.CommandLine;

namespace FedIoT.Gateway.Cli;

/// <summary>Descriptions of verbs: a summary, then examples.</summary>
internal static class HelpText
{
    /// <summary>A verb whose help is a summary and one example.</summary>
    /// <param name="name">As it is typed.</param>
    /// <param name="summary">One line.</param>
    /// <param name="example">A whole command line.</param>
    /// <param name="symbols">Its arguments and options.</param>
    public static Command Verb(string name, string summary, string example, params ReadOnlySpan<Symbol> symbols)
    {
        var verb = new Command(name, $"{summary}\n\nExample:\n  {example}");
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                verb.Add(argument);
            }
            else
            {
                verb.Add((Option)symbol);
            }
        }

        return verb;
    }

    /// <summary>A list of verbs shows their first lines; the examples belong to each verb's own help.</summary>
    public static void ShortenVerbsOf(Command command)
    {
        foreach (Command verb in command.Subcommands)
        {
            verb.Description = verb.Description?.Split('\n')[0].TrimEnd('\r');
        }
    }
}
