using System.CommandLine;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Demo;
using FedIoT.Gateway.Keys;
using FedIoT.Gateway.Operate;

namespace FedIoT.Gateway.Cli;

/// <summary>All verbs of the binary.</summary>
internal static class GatewayCommands
{
    public static RootCommand CreateRoot() => new(
        """
        FedIoT: networks of sensor microcontrollers learn one shared model; raw data stays on the sensor.

        Examples:
          fediot demo --rounds 10
          fediot init --folder gateway-1
          fediot run --config gateway-1/gateway.toml
        """)
    {
        DemoCommand.Create(), InitCommand.Create(), CheckCommand.Create(), RunCommand.Create(),
        StatusCommand.Create(), ChainCommand.Create(), TasksCommand.Create(), DevicesCommand.Create(),
        StationCommand.Create(), AuditCommand.Create(),
        BugreportCommand.Create(TimeProvider.System), KeysCommand.Create(TimeProvider.System),
        VerifyCommand.Create(),
    };
}
