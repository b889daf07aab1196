// Signatures of .NET nanoFramework's Runtime.Native 1.7, as far as the device uses them. Never runs.

namespace nanoFramework.Runtime.Native
{
    public enum RebootOption
    {
        NormalReboot = 0,
    }

    public class Power
    {
        public static extern void RebootDevice(int exeConstraintTimeout, RebootOption rebootOption);
    }
}
