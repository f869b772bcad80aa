import type { DescFile } from "@bufbuild/protobuf";
import { file_analytics_v1_jobs } from "#gen/analytics/v1/jobs_pb.js";
import { file_content_v1_jobs } from "#gen/content/v1/jobs_pb.js";
import { file_file_v1_jobs } from "#gen/file/v1/jobs_pb.js";
import { file_notification_v1_jobs } from "#gen/notification/v1/jobs_pb.js";
import { file_webhook_v1_jobs } from "#gen/webhook/v1/jobs_pb.js";

/** Jobs of this platform, known before the services that do them have started once. */
export const knownFiles: readonly DescFile[] = [
  file_analytics_v1_jobs,
  file_content_v1_jobs,
  file_file_v1_jobs,
  file_notification_v1_jobs,
  file_webhook_v1_jobs,
];
