using Microsoft.AspNetCore.Connections;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Server;

namespace FedIoT.Gateway.Ingest;

/// <summary>Gives the broker the connections that passed the guard, each as a <see cref="DeviceChannel"/>.</summary>
internal sealed class DeviceAdapter(Func<ConnectionContext, DeviceChannel> open) : IMqttServerAdapter
{
    /// <inheritdoc/>
    public Func<IMqttChannelAdapter, Task>? ClientHandler { get; set; }

    /// <summary>Runs a connection to its end.</summary>
    public async Task OnConnectedAsync(ConnectionContext connection)
    {
        if (ClientHandler is not { } handler)
        {
            return; // the broker has not started, or is stopping
        }

        using DeviceChannel channel = open(connection);
        try
        {
            await handler(channel).ConfigureAwait(false);
        }
        finally
        {
            await channel.FinishAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(MqttServerOptions options, IMqttNetLogger logger) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => ClientHandler = null;
}
