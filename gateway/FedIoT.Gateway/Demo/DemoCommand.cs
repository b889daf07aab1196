using System.CommandLine;
using FedIoT.Gateway.Cli;
using FedIoT.Wire.Tasks;
using Spectre.Console;

namespace FedIoT.Gateway.Demo;

/// <summary>The verb <c>fediot demo</c>: options in, report out. What it does is in <see cref="DemoRunner"/>.</summary>
public static class DemoCommand
{
    private static readonly Option<DirectoryInfo?> Data = new("--data")
    {
        Description = "Folder of a recording (recording.toml and CSV files). Default: a built-in physical simulation "
            + "of rotating machines, called simulated",
        HelpName = "DIR",
    };

    private static readonly Option<int> Window = Number("--window", 128, "Samples of a window");
    private static readonly Option<int> Hop = Number("--hop", 64, "Samples from one window's start to the next one's");
    private static readonly Option<int> Gateways = Number("--gateways", 4, "Gateways; each is a full chain node");
    private static readonly Option<int> Rounds = Number("--rounds", 10, "Training rounds");

    private static readonly Option<string> Rule = new("--rule")
    {
        Description = "Aggregation rule: " + string.Join(", ", AggregationRuleNames.All.Keys),
        HelpName = "RULE",
        DefaultValueFactory = _ => AggregationRuleNames.Default,
    };

    private static readonly Option<ulong> Seed = new("--seed")
    {
        Description = "Seed of the initial weights, the shuffles and the simulation",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<string?> Attack = new("--attack")
    {
        Description = "Hostile gateways, NAME:COUNT with NAME one of " + string.Join(", ", AttackPlan.Names.Keys),
        HelpName = "NAME:COUNT",
    };

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "JSON lines on standard output: one a round, the report last",
    };

    private static readonly Option<DirectoryInfo?> Out = new("--out")
    {
        Description = "Folder for report.json, accuracy.svg, model.onnx and nodes/. Default: a new temporary folder",
        HelpName = "DIR",
    };

    private static readonly Option<bool> Live = new("--live")
    {
        Description = "Redraw a table in place; the default on a terminal",
    };

    private static readonly Option<bool> NoLive = new("--no-live")
    {
        Description = "A line for every event; the default elsewhere",
    };

    /// <summary>The command with its options and help.</summary>
    public static Command Create()
    {
        var command = new Command(
            "demo",
            """
            Runs the whole way once on this machine: sensor recordings, MQTT, training, chain, a better model.

            Examples:
              fediot demo
              fediot demo --data recordings/pumps --window 256 --hop 128 --rounds 20 --out result
              fediot demo --attack scaled:1 --rule mean
            """)
        {
            Data, Window, Hop, Gateways, Rounds, Rule, Seed, Attack, Json, Out, Live, NoLive,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static Option<int> Number(string name, int value, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => value,
    };

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        DemoOptions wanted = Read(parsed);
        DemoOptions options = wanted with { OutFolder = OutputFolder.Prepare(wanted.OutFolder) };
        try
        {
            return await RunAsync(parsed, options, cancellation).ConfigureAwait(false);
        }
        catch (InputException) when (wanted.OutFolder.Length == 0)
        {
            Directory.Delete(options.OutFolder, recursive: true); // a temporary folder without a result
            throw;
        }
    }

    private static async Task<int> RunAsync(ParseResult parsed, DemoOptions options, CancellationToken cancellation)
    {
        TimeProvider time = TimeProvider.System;
        bool json = parsed.GetValue(Json);
        var plain = new PlainView(Console.Error, time);
        var runner = new DemoRunner(options, time);
        DemoReport report;
        if (WantsLive(parsed) && !json)
        {
            var terminal = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) };
            var view = new LiveView(AnsiConsole.Create(terminal));
            report = await view.RunAsync(() => runner.RunAsync(view, cancellation)).ConfigureAwait(false);
        }
        else
        {
            IDemoView view = json ? new JsonView(Console.Out, plain) : plain;
            report = await runner.RunAsync(view, cancellation).ConfigureAwait(false);
        }

        await Console.Out.WriteLineAsync(json ? report.ToJson(indented: false) : ReportText.Format(report))
            .ConfigureAwait(false);
        return report.Succeeded ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool WantsLive(ParseResult parsed) =>
        !parsed.GetValue(NoLive)
        && (parsed.GetValue(Live)
            || (!Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb")));

    private static DemoOptions Read(ParseResult parsed)
    {
        string ruleName = parsed.GetValue(Rule) ?? string.Empty;
        if (!AggregationRuleNames.All.TryGetValue(ruleName, out AggregationRule rule))
        {
            throw new InputException(
                $"--rule is '{ruleName}': expected one of {string.Join(", ", AggregationRuleNames.All.Keys)}");
        }

        AttackPlan? attack = null;
        if (parsed.GetValue(Attack) is { } text && !AttackPlan.TryParse(text, out attack, out string problem))
        {
            throw new InputException($"--attack: {problem}");
        }

        if (parsed.GetValue(Data) is { Exists: false } missing)
        {
            throw new InputException($"--data: there is no folder {missing.FullName}");
        }

        var options = new DemoOptions
        {
            DataFolder = parsed.GetValue(Data)?.FullName,
            WindowSamples = parsed.GetValue(Window),
            HopSamples = parsed.GetValue(Hop),
            Gateways = parsed.GetValue(Gateways),
            Rounds = parsed.GetValue(Rounds),
            Rule = rule,
            Seed = parsed.GetValue(Seed),
            Attack = attack,
            OutFolder = parsed.GetValue(Out)?.FullName ?? string.Empty,
        };
        IReadOnlyList<string> problems = options.FindProblems();
        if (problems.Count > 0)
        {
            throw new InputException(string.Join("\nfediot: ", problems));
        }

        return options;
    }
}
