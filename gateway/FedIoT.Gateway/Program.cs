using System.CommandLine;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Demo;
using FedIoT.Gateway.Keys;

var root = new RootCommand(
    """
    FedIoT: networks of sensor microcontrollers learn one shared model; raw data stays on the sensor.

    Example:
      fediot demo --rounds 10
    """)
{
    DemoCommand.Create(),
    VerifyCommand.Create(),
    ProofCommand.Create(),
    KeysCommand.Create(TimeProvider.System),
};

return await CommandLineHost.RunAsync(root, args).ConfigureAwait(false);
