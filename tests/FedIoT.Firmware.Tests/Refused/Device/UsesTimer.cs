public class UsesTimer { public System.Threading.Timer Timer; }
