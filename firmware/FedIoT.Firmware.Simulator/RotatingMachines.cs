using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Firmware.Simulator;

/// <summary>
/// A physical simulation of rotating machines with a 3-axis accelerometer each, for demonstrations without data.
/// Everything it makes is simulated. Machines differ in speed, gain, mounting angle, foundation and noise, faults in
/// severity and in the phase they start with, so that what one machine teaches does not carry over by itself.
/// </summary>
/// <remarks>
/// The classic signatures (Randall, "Vibration-based Condition Monitoring", Wiley 2011, chapter 2): imbalance turns
/// with the shaft (1 x, radial); misalignment shows at 2 x with an axial part; a spalled outer race rings a
/// resonance at every passing ball (3.57 x here). Amplitudes are in g.
/// </remarks>
public static class RotatingMachines
{
    /// <summary>Milliseconds between samples: 500 Hz.</summary>
    public const int SampleIntervalMs = 2;

    /// <summary>Full scale of the simulated sensor, in g.</summary>
    public const int RangeG = 4;

    private const double SampleRate = 1000.0 / SampleIntervalMs;
    private const int SegmentsPerClass = 4;
    private const int SegmentSamples = 128 + (64 * 9); // ten windows of 128/64

    private enum Condition
    {
        Healthy = 0,
        Imbalance = 1,
        Misalignment = 2,
        BearingWear = 3,
    }

    /// <summary>Simulates machines; the same arguments give the same samples in the same build.</summary>
    /// <param name="seed">Any value.</param>
    /// <param name="trainDevices">Machines that learn, 1 to 1000.</param>
    /// <param name="testDevices">Other machines to judge by, 1 to 1000.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is out of its range.</exception>
    public static Recording Create(ulong seed, int trainDevices = 12, int testDevices = 4)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trainDevices, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(trainDevices, 1000);
        ArgumentOutOfRangeException.ThrowIfLessThan(testDevices, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(testDevices, 1000);
        var devices = new List<RecordedDevice>();
        for (int i = 0; i < trainDevices + testDevices; i++)
        {
            var random = new MachineRandom(SplitMix64.For(seed, (ulong)i));
            IReadOnlyList<RecordedSegment> segments = Simulate(new Machine(random), random);
            var id = new DeviceId($"simulated-{i + 1:00}");
            devices.Add(i < trainDevices
                ? new RecordedDevice(id, segments, [])
                : new RecordedDevice(id, [], segments));
        }

        return new Recording
        {
            Name = "simulated-rotating-machines",
            SampleIntervalMs = SampleIntervalMs,
            Channels = [Axis("ax"), Axis("ay"), Axis("az")],
            Classes = ["healthy", "imbalance", "misalignment", "bearing-wear"],
            Devices = devices,
        };
    }

    private static ChannelSpecification Axis(string name) => new(name, "g", RangeG * 1_000_000L);

    private static List<RecordedSegment> Simulate(Machine machine, MachineRandom random)
    {
        var segments = new List<RecordedSegment>();
        for (int round = 0; round < SegmentsPerClass; round++)
        {
            foreach (Condition condition in Enum.GetValues<Condition>())
            {
                segments.Add(SimulateRun(machine, condition, random));
            }
        }

        return segments;
    }

    private static RecordedSegment SimulateRun(Machine machine, Condition condition, MachineRandom random)
    {
        var run = new Run(machine, condition, random);
        var samples = new short[3 * SegmentSamples];
        var labels = new byte[SegmentSamples];
        Array.Fill(labels, (byte)((int)condition + 1));
        for (int i = 0; i < SegmentSamples; i++)
        {
            (double x, double y, double z) = machine.Mount(run.Next(i / SampleRate));
            samples[3 * i] = ToSample(x);
            samples[(3 * i) + 1] = ToSample(y);
            samples[(3 * i) + 2] = ToSample(z);
        }

        return new RecordedSegment(samples, labels);
    }

    private static short ToSample(double g) =>
        (short)Math.Clamp(Math.Round(g / RangeG * short.MaxValue), short.MinValue, short.MaxValue);

    /// <summary>What stays the same for one machine.</summary>
    private sealed class Machine(MachineRandom random)
    {
        private readonly double tilt = random.Between(-0.35, 0.35);
        private readonly double turn = random.Between(-0.6, 0.6);
        private readonly double gain = random.Between(0.7, 1.4);

        public double SpeedHz { get; } = random.Between(17, 31);

        public double NoiseG { get; } = random.Between(0.02, 0.06);

        public double ResonanceHz { get; } = random.Between(140, 225);

        public double ResidualImbalanceG { get; } = random.Between(0.01, 0.05);

        public double ResidualMisalignmentG { get; } = random.Between(0.01, 0.04);

        /// <summary>Vibration around a neighbour's shaft, which comes through the floor.</summary>
        public double FloorHz { get; } = random.Between(8, 60);

        public double FloorG { get; } = random.Between(0.0, 0.03);

        /// <summary>Turns machine axes (two radial, one axial) to sensor axes, and adds gravity.</summary>
        public (double X, double Y, double Z) Mount((double RadialA, double RadialB, double Axial) g)
        {
            double a = gain * g.RadialA;
            double b = (gain * g.RadialB) + 1; // gravity, along one radial axis
            double c = gain * g.Axial;
            double x = (a * Math.Cos(turn)) - (c * Math.Sin(turn));
            double z = (a * Math.Sin(turn)) + (c * Math.Cos(turn));
            return (x, (b * Math.Cos(tilt)) - (z * Math.Sin(tilt)), (b * Math.Sin(tilt)) + (z * Math.Cos(tilt)));
        }
    }

    /// <summary>One segment: a load, a severity, phases.</summary>
    private sealed class Run
    {
        private readonly Machine machine;
        private readonly MachineRandom random;
        private readonly double speedHz;
        private readonly double imbalanceG;
        private readonly double misalignmentG;
        private readonly double wearG;
        private readonly double shaftPhase;
        private readonly double secondPhase;
        private readonly double floorPhase;
        private double nextBall;
        private double ringStart = -1;
        private double ringG;

        public Run(Machine machine, Condition condition, MachineRandom random)
        {
            this.machine = machine;
            this.random = random;
            speedHz = machine.SpeedHz * random.Between(0.93, 1.07);
            double severity = random.Between(0.55, 1.0);
            imbalanceG = machine.ResidualImbalanceG + (condition == Condition.Imbalance ? 0.22 * severity : 0);
            misalignmentG = machine.ResidualMisalignmentG + (condition == Condition.Misalignment ? 0.20 * severity : 0);
            wearG = condition == Condition.BearingWear ? 0.50 * severity : 0;
            shaftPhase = random.Between(0, 2 * Math.PI);
            secondPhase = random.Between(0, 2 * Math.PI);
            floorPhase = random.Between(0, 2 * Math.PI);
            nextBall = random.Between(0, 1 / speedHz);
        }

        /// <summary>Acceleration along two radial axes and the axial one, at a time that only grows.</summary>
        public (double RadialA, double RadialB, double Axial) Next(double seconds)
        {
            double shaft = (2 * Math.PI * speedHz * seconds) + shaftPhase;
            double second = (2 * shaft) + secondPhase;
            double floor = machine.FloorG * Math.Sin((2 * Math.PI * machine.FloorHz * seconds) + floorPhase);
            double ring = Ring(seconds);
            double noise = machine.NoiseG;
            return (
                (imbalanceG * Math.Cos(shaft)) + (0.7 * misalignmentG * Math.Cos(second)) + ring + floor
                    + (noise * random.Normal()),
                (imbalanceG * Math.Sin(shaft)) + (misalignmentG * Math.Sin(second)) + (0.6 * ring) + floor
                    + (noise * random.Normal()),
                (0.1 * imbalanceG * Math.Cos(shaft)) + (0.8 * misalignmentG * Math.Cos(second)) + (0.3 * ring)
                    + (noise * random.Normal()));
        }

        // A damped resonance, struck anew at every ball; balls slip by a few percent.
        private double Ring(double seconds)
        {
            while (seconds >= nextBall)
            {
                ringStart = nextBall;
                ringG = wearG * random.Between(0.4, 1.0);
                nextBall += random.Between(0.95, 1.05) / (3.57 * speedHz);
            }

            double age = seconds - ringStart;
            return ringStart < 0
                ? 0 : ringG * Math.Exp(-180 * age) * Math.Sin(2 * Math.PI * machine.ResonanceHz * age);
        }
    }

    /// <summary>Uniform and normal numbers from one seeded stream.</summary>
    private sealed class MachineRandom(SplitMix64 seeded)
    {
        private SplitMix64 generator = seeded;

        public double Between(double low, double high) => low + ((high - low) * Unit());

        /// <summary>Box and Muller, 1958.</summary>
        public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Unit())) * Math.Cos(2 * Math.PI * Unit());

        private double Unit() => (generator.Next() >> 11) * (1.0 / (1UL << 53));
    }
}
