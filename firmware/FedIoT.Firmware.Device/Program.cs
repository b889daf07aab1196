using System;
using System.Device.I2c;
using System.IO;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using FedIoT.Firmware.Logic;
using FedIoT.Firmware.Logic.Board;
using nanoFramework.Hardware.Esp32;
using nanoFramework.Networking;
using nanoFramework.Runtime.Native;

namespace FedIoT.Firmware.Device
{
    /// <summary>Puts the parts together, and reboots the board when one of its two threads hangs.</summary>
    internal static class Program
    {
        private const string Folder = "I:\\"; // internal storage
        private const int SamplesPerRead = 8; // a tenth of the sensor's queue with six channels
        private const int TickMs = 100;
        private const int RestartMs = 1000; // of the sensor, and of a failed step
        private const int SupervisionMs = 5000;
        private const int SampleMsMax = 60000; // many restarts of the sensor
        private const int StepMsMax = 300000; // network 60 s; connection, handshake and answer 30 s or more each
        private const int RetryBootMs = 600000; // what is wrong at boot is wrong again: spare the flash
        private const int RebootMsMax = 10000;

        private static DeviceConfiguration configuration;
        private static MqttLink link;
        private static LinkPump pump;
        private static Mpu6050 sensor;
        private static SampleFeed feed;
        private static int lastStepMs;

        /// <summary>Milliseconds since boot, modulo 2^32.</summary>
        internal static int NowMs() => unchecked((int)Environment.TickCount64);

        private static void Main()
        {
            try
            {
                Compose();
                Supervise();
            }
            catch (Exception e) // the top: native code throws nothing more special
            {
                Console.WriteLine("start: " + e.Message);
                Thread.Sleep(RetryBootMs);
            }

            Power.RebootDevice(RebootMsMax, RebootOption.NormalReboot);
        }

        private static void Compose()
        {
            configuration = new DeviceConfiguration(new ConfigurationText(File.ReadAllBytes(Folder + "device.conf")));
            NativeHmac authenticator = new NativeHmac(configuration.Key);
            X509Certificate authority = configuration.AuthorityPath.Length == 0
                ? null
                : new X509Certificate(File.ReadAllBytes(configuration.AuthorityPath));
            link = new MqttLink(configuration, authority, DeviceProof.Password(authenticator));
            uint bootId = BootStorage.Reserve(Folder, configuration.BootIdMin);
            SensorNode node = new SensorNode( // tests the authenticator
                configuration.ForNode(bootId, DeviceProof.Seed(authenticator, bootId)), authenticator, link);
            node.BeginPurpose(configuration.Purpose);
            pump = new LinkPump(node, link);
            sensor = OpenSensor();
            feed = new SampleFeed(
                sensor, node, configuration.ChannelCount, configuration.IntervalMs, configuration.Label);
            if (configuration.TimeServer.Length > 0)
            {
                Sntp.Server1 = configuration.TimeServer;
            }
        }

        private static Mpu6050 OpenSensor()
        {
            bool isFirst = configuration.BusId == 1;
            Configuration.SetPinFunction(
                configuration.DataPin, isFirst ? DeviceFunction.I2C1_DATA : DeviceFunction.I2C2_DATA);
            Configuration.SetPinFunction(
                configuration.ClockPin, isFirst ? DeviceFunction.I2C1_CLOCK : DeviceFunction.I2C2_CLOCK);
            return new Mpu6050(
                I2cDevice.Create(
                    new I2cConnectionSettings(configuration.BusId, configuration.BusAddress, I2cBusSpeed.FastMode)),
                configuration.IntervalMs, configuration.AccelerometerG, configuration.GyroscopeDps);
        }

        // Returns when a thread makes no progress.
        private static void Supervise()
        {
            int startMs = NowMs();
            lastStepMs = startMs;
            new Thread(SampleForever).Start();
            new Thread(ConnectForever).Start();
            while (true)
            {
                Thread.Sleep(SupervisionMs);
                int sampleMs = feed.LastSampleMs == 0 ? startMs : feed.LastSampleMs;
                if (unchecked(NowMs() - sampleMs) > SampleMsMax || unchecked(NowMs() - lastStepMs) > StepMsMax)
                {
                    return;
                }
            }
        }

        private static void SampleForever()
        {
            while (true)
            {
                try
                {
                    bool works = feed.TryStart(NowMs());
                    while (works)
                    {
                        Thread.Sleep(SamplesPerRead * configuration.IntervalMs);
                        works = feed.TryStep(NowMs());
                    }

                    Console.WriteLine(sensor.Describe());
                }
                catch (Exception e) // native code throws nothing more special
                {
                    Console.WriteLine("sampling: " + e.Message);
                }

                Thread.Sleep(RestartMs);
            }
        }

        private static void ConnectForever()
        {
            while (true)
            {
                try
                {
                    if (pump.Tick(NowMs()))
                    {
                        Network.Join(configuration);
                        link.Connect();
                        pump.OnConnected();
                    }
                }
                catch (Exception e) // sockets, TLS and MQTT throw each its own, native code none in particular
                {
                    Console.WriteLine("connection: " + e.Message);
                    pump.OnFailed(NowMs());
                }

                lastStepMs = NowMs();
                Thread.Sleep(TickMs);
            }
        }
    }
}
