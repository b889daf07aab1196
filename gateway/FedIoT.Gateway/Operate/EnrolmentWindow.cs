using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// A gateway with a join button enrols devices while the window is open, and it runs. One that is stopped has no window
/// to ask: whoever stops it may write its configuration anyway.
/// </summary>
internal static class EnrolmentWindow
{
    /// <summary>Asks the running gateway; returns at once without a button or without a running gateway.</summary>
    /// <param name="configuration">The gateway's.</param>
    /// <param name="device">The device.</param>
    /// <param name="key">Its own key, which it must have proved; null for one that it gets later.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="RunFailedException">The gateway refused; the message says why.</exception>
    public static async Task RequireAsync(
        GatewayConfiguration configuration, string device, byte[]? key, CancellationToken cancellation)
    {
        if (configuration.Station.Parts.JoinPin is null || !File.Exists(configuration.AdminSocket))
        {
            return;
        }

        var question = new EnrolmentQuestion(device, key is null ? null : DeviceCredentials.Password(key));
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(question, AdminJson.Default.EnrolmentQuestion);
        using var client = new AdminClient(configuration.AdminSocket, $"fediot run --config {configuration.File}");
        try
        {
            await client.PostAsync("v1/station/enrolment", body, cancellation).ConfigureAwait(false);
        }
        catch (InputException)
        {
            // nobody listens: a socket that a killed process left
        }
    }
}
