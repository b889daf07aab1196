using System.CommandLine;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot run</c>: the daemon in the foreground.</summary>
internal static class RunCommand
{
    private static readonly Option<LogLevel> Level = new("--log-level")
    {
        Description = "Least serious messages that are logged: Debug, Information, Warning or Error",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => LogLevel.Information,
    };

    private static readonly Option<bool> VoteAtOnce = new("--vote-at-once")
    {
        Description = "Vote although this key may have voted in a state folder that is lost. Only when no other "
            + "process has the key and the chain cannot go on without it: contradicting votes cost the stake",
    };

    public static Command Create()
    {
        Option<string> config = ConfigurationOption.Create();
        var command = new Command(
            "run",
            """
            Runs this gateway: broker for its devices, node of the chain, training. SIGTERM and Ctrl-C stop it.

            Examples:
              fediot run --config gateway.toml
              systemd-run --unit fediot -p Type=notify fediot run --config /var/lib/fediot/gateway.toml
            """)
        {
            config, Level, VoteAtOnce,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string file = ConfigurationOption.Find(parsed.GetValue(config));
            GatewayConfiguration configuration = GatewayConfigurationReader.Read(file);
            using ILoggerFactory loggers = LoggerFactory.Create(b => AddConsole(b, parsed.GetValue(Level)));
            var daemon = new GatewayDaemon(
                configuration, TimeProvider.System, loggers, Console.Error, BoardHardware.OfThisMachine,
                parsed.GetValue(VoteAtOnce));
            await daemon.RunAsync(cancellation).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    // The journal understands the priority that the systemd format puts before a line.
    private static void AddConsole(ILoggingBuilder builder, LogLevel level)
    {
        builder.SetMinimumLevel(level).AddFilter("Microsoft", LogLevel.Warning);
        builder.AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace);
        if (Environment.GetEnvironmentVariable("JOURNAL_STREAM") is not null)
        {
            builder.AddSystemdConsole();
        }
        else
        {
            builder.AddSimpleConsole(c => c.SingleLine = true);
        }
    }
}
