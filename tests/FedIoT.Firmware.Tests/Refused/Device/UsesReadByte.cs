public class UsesReadByte { public static byte Read(System.Device.I2c.I2cDevice d) { return d.ReadByte(); } }
