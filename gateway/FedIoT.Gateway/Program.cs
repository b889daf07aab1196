using FedIoT.Gateway.Cli;

return await CommandLineHost.RunAsync(GatewayCommands.CreateRoot(), args).ConfigureAwait(false);
