using MQTTnet.Protocol;
using MQTTnet.Server;

namespace FedIoT.Gateway.Ingest;

/// <summary>Who may connect and subscribe. Publishing is judged by <see cref="FrameInspector"/>.</summary>
/// <param name="registry">The enrolled devices.</param>
/// <param name="counters">Counts refusals.</param>
/// <param name="onUnknown">Told of names that nobody enrolled; null = nobody is.</param>
internal sealed class DeviceAccess(
    DeviceRegistry registry, IngestCounters counters, Action<string, byte[]>? onUnknown = null)
{
    /// <summary>Commands that wait for one device; the oldest goes when there are more.</summary>
    public const int PendingCommandsMax = 64;

    /// <summary>Accepts a connection only of an enrolled device, by its password, without a will.</summary>
    public Task ValidateConnectionAsync(ValidatingConnectionEventArgs connecting)
    {
        if (Judge(connecting, out DeviceRegistry.Entry? device) is { } refusal)
        {
            counters.Add(refusal);
            connecting.ReasonCode = MqttConnectReasonCode.BadUserNameOrPassword; // the same for every reason
        }
        else
        {
            ((DeviceChannel)connecting.ChannelAdapter).Authenticate(device!);
        }

        return Task.CompletedTask;
    }

    /// <summary>Accepts the device's own command filters only.</summary>
    public Task ValidateSubscriptionAsync(InterceptingSubscriptionEventArgs subscribing)
    {
        if (registry.Find(subscribing.ClientId) is not { } device
            || !device.MaySubscribe(subscribing.TopicFilter.Topic))
        {
            subscribing.ProcessSubscription = false;
            subscribing.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
        }

        return Task.CompletedTask;
    }

    private ConnectionRefusal? Judge(ValidatingConnectionEventArgs connecting, out DeviceRegistry.Entry? device)
    {
        device = registry.Find(connecting.ClientId);
        if (device is null)
        {
            onUnknown?.Invoke(connecting.ClientId ?? string.Empty, connecting.RawPassword ?? []);
            return ConnectionRefusal.UnknownDevice;
        }

        if (connecting.UserName != device.Id.Text)
        {
            return ConnectionRefusal.WrongUserName;
        }

        if (!device.HasPassword(connecting.RawPassword))
        {
            return ConnectionRefusal.WrongPassword;
        }

        bool extras = connecting.ChannelAdapter is not DeviceChannel { HasWill: false }
            || connecting.AuthenticationMethod is not null;
        return extras ? ConnectionRefusal.NotAllowed : null;
    }
}
