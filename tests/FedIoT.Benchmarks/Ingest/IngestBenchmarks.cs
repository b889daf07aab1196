using System.Diagnostics;
using System.Net;
using FedIoT.Gateway.Ingest;
using FedIoT.Wire.Frames;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.AspNetCore;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace FedIoT.Benchmarks.Ingest;

/// <summary>Claims about ingest: frames verified on one thread; frames accepted beside the bare broker.</summary>
public static class IngestBenchmarks
{
    private const int Clients = 30;
    private const int Window = 16; // frames in flight of one client

    /// <summary>Runs all; about 3 s quick, 30 s otherwise.</summary>
    public static (string Name, double Value, string Unit)[] Run(bool quick)
    {
        double verified = VerifyRate(TimeSpan.FromSeconds(quick ? 0.5 : 3));
        int frames = quick ? 200 : 1000;
        int rounds = quick ? 1 : 3;
        EnrolledDevice[] devices = [.. Enumerable.Range(0, Clients).Select(SignedFrames.Device)];
        byte[][][] work = [.. devices.Select(d => Enumerable.Range(1, frames)
            .Select(i => SignedFrames.Build(d, (uint)i)).ToArray())];
        BareRateAsync(devices, work, frames / 4).GetAwaiter().GetResult(); // warm-up of the clients and of both
        IngestRateAsync(devices, work, frames / 4).GetAwaiter().GetResult();
        var ours = new double[rounds];
        var bare = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            bare[i] = BareRateAsync(devices, work, frames).GetAwaiter().GetResult();
            ours[i] = IngestRateAsync(devices, work, frames).GetAwaiter().GetResult();
        }

        Array.Sort(ours);
        Array.Sort(bare);
        return
        [
            ("frames decoded and verified, one thread", verified, "1/s"),
            ("frames MQTT -> verified -> fsync -> acknowledged, 30 clients", ours[rounds / 2], "1/s"),
            ("bare MQTTnet acknowledging the same, same run", bare[rounds / 2], "1/s"),
            ("ingest / bare MQTTnet", ours[rounds / 2] / bare[rounds / 2], "ratio"),
        ];
    }

    private static double VerifyRate(TimeSpan duration)
    {
        EnrolledDevice device = SignedFrames.Device(0);
        byte[][] frames = [.. Enumerable.Range(1, 256).Select(i => SignedFrames.Build(device, (uint)i))];
        string topic = DeviceTopics.Telemetry(device.Id);
        long count = 0;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < duration)
        {
            foreach (byte[] bytes in frames)
            {
                if (!DeviceFrameDecoder.TryDecode(bytes, out DeviceFrame frame)
                    || !DeviceFrameDecoder.TryVerify(frame, topic, device.Key))
                {
                    throw new InvalidOperationException("A good frame was rejected.");
                }
            }

            count += frames.Length;
        }

        return count / clock.Elapsed.TotalSeconds;
    }

    private static async Task<double> IngestRateAsync(EnrolledDevice[] devices, byte[][][] work, int frames)
    {
        string folder = Directory.CreateTempSubdirectory("fediot-bench-").FullName;
        try
        {
            var options = new IngestOptions
            {
                StateFolder = folder,
                Devices = devices,
                Specification = SignedFrames.Specification,
            };
            await using IngestServer server = await IngestServer.StartAsync(
                options, TimeProvider.System, NullLogger.Instance);
            double rate = await PublishAllAsync(server.EndPoint, devices, work, frames);
            await server.WaitUntilStoredAsync();
            return server.Store.CountFrames() == (long)frames * devices.Length
                ? rate
                : throw new InvalidOperationException("Acknowledged frames are missing in the store.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> BareRateAsync(EnrolledDevice[] devices, byte[][][] work, int frames)
    {
        var adapter = new MqttConnectionHandler();
        using MqttServer broker = new MqttServerFactory().CreateMqttServer(
            new MqttServerOptionsBuilder().WithoutDefaultEndpoint().Build(), [adapter]);
        broker.InterceptingPublishAsync += publishing =>
        {
            publishing.ProcessPublish = false;
            return Task.CompletedTask;
        };
        ListenOptions? listening = null;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, listen =>
        {
            listening = listen;
            listen.Run(adapter.OnConnectedAsync);
        }));
        await using WebApplication host = builder.Build();
        await broker.StartAsync();
        await host.StartAsync();
        double rate = await PublishAllAsync(listening!.IPEndPoint!, devices, work, frames);
        await broker.StopAsync(new MqttServerStopOptions());
        await host.StopAsync(new CancellationToken(canceled: true));
        return rate;
    }

    private static async Task<double> PublishAllAsync(
        IPEndPoint endPoint, EnrolledDevice[] devices, byte[][][] work, int frames)
    {
        IMqttClient[] clients = [.. devices.Select(_ => new MqttClientFactory().CreateMqttClient())];
        for (int i = 0; i < clients.Length; i++)
        {
            await clients[i].ConnectAsync(new MqttClientOptionsBuilder()
                .WithTcpServer(endPoint.Address.ToString(), endPoint.Port)
                .WithClientId(devices[i].Id.Text)
                .WithCredentials(devices[i].Id.Text, DeviceCredentials.Password(devices[i].Key))
                .Build());
        }

        var clock = Stopwatch.StartNew();
        await Task.WhenAll(clients.Select((client, i) => PublishAsync(client, devices[i], work[i], frames)));
        double rate = frames * clients.Length / clock.Elapsed.TotalSeconds;
        foreach (IMqttClient client in clients)
        {
            await client.DisconnectAsync();
            client.Dispose();
        }

        return rate;
    }

    private static Task PublishAsync(IMqttClient client, EnrolledDevice device, byte[][] frames, int count)
    {
        string topic = DeviceTopics.Telemetry(device.Id);
        int next = -1;
        return Task.WhenAll(Enumerable.Range(0, Window).Select(async _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                MqttClientPublishResult result = await client.PublishAsync(new MqttApplicationMessageBuilder()
                    .WithTopic(topic)
                    .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                    .WithPayload(frames[i])
                    .Build());
                if (!result.IsSuccess)
                {
                    throw new InvalidOperationException($"A good frame was refused: {result.ReasonCode}.");
                }
            }
        }));
    }
}
